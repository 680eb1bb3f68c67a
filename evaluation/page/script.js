"use strict";
// The viewer: two pictures of one scene in the same place, one at a time.
const get = (id) => document.getElementById(id);
const viewer = get("viewer"), stage = get("stage"), shown = get("shown");
const choices = [get("first"), get("second")];
let pictures = [];
let current = 0; // 0 shows A, 1 shows B

function show() {
  const picture = pictures[choices[current].selectedIndex];
  shown.src = picture.image.src;
  shown.alt = picture.image.alt;
  get("caption").textContent = `${"AB"[current]}: ${picture.text}`;
}

function flip() {
  current = 1 - current;
  show();
}

function step(by) {
  const choice = choices[current];
  choice.selectedIndex = (choice.selectedIndex + by + pictures.length) % pictures.length;
  show();
}

function open(button) {
  const section = button.closest("section");
  pictures = Array.from(section.querySelectorAll("figure"), (figure) => ({
    image: figure.querySelector("img"),
    name: figure.dataset.name,
    text: [figure.dataset.name, figure.dataset.scores].filter(Boolean).join(" · "),
    result: figure.closest(".grid") !== null,
    best: figure.querySelector(".best") !== null,
  }));
  for (const choice of choices) {
    choice.replaceChildren(...pictures.map((picture) => new Option(picture.name)));
  }
  const chosen = pictures.findIndex((picture) => button.contains(picture.image));
  // The best of the others is what one most wants to compare with.
  const others = pictures.map((_, i) => i).filter((i) => i !== chosen);
  const partner = others.find((i) => pictures[i].best)
    ?? others.find((i) => pictures[i].result) ?? others[0] ?? chosen;
  choices[0].selectedIndex = chosen;
  choices[1].selectedIndex = partner;
  current = 0;
  show();
  viewer.showModal(); // traps the focus, closes on Escape, gives the focus back
  stage.focus();
}

for (const button of document.querySelectorAll("figure button")) {
  button.addEventListener("click", () => open(button));
}
choices.forEach((choice, i) => choice.addEventListener("change", () => {
  current = i;
  show();
}));
stage.addEventListener("click", flip);
get("close").addEventListener("click", () => viewer.close());
get("scale").addEventListener("click", (event) => {
  const whole = stage.classList.toggle("whole");
  event.currentTarget.setAttribute("aria-pressed", whole);
});
viewer.addEventListener("keydown", (event) => {
  if (event.target instanceof HTMLSelectElement) return; // the arrows choose there
  const moves = { ArrowLeft: flip, ArrowRight: flip,
    ArrowUp: () => step(-1), ArrowDown: () => step(1) };
  // On a button the space bar presses it, which on the stage flips as well.
  if (event.target === viewer) moves[" "] = flip;
  if (moves[event.key]) {
    event.preventDefault();
    moves[event.key]();
  }
});
