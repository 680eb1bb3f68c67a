"""Chromium without a window, driven over the pipe of its DevTools protocol."""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import threading
import time

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
QUIET = ("--no-first-run", "--disable-background-networking", "--disable-component-update")
LONGEST_SECONDS = 180  # then it is killed, and the test fails


@contextlib.contextmanager
def browser(profile):
    """Yield a Browser whose profile lies in a folder of its own."""
    its_in, our_out = os.pipe()
    our_in, its_out = os.pipe()

    def connect():
        # It reads from 3 and writes to 4; first get both out of the way.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (its_in, its_out)]
        os.dup2(ends[0], 3)
        os.dup2(ends[1], 4)

    command = [BROWSER, *FLAGS, *QUIET, "--remote-debugging-pipe", f"--user-data-dir={profile}"]
    null = subprocess.DEVNULL
    process = subprocess.Popen(
        command, preexec_fn=connect, close_fds=False, stdin=null, stdout=null, stderr=null
    )
    os.close(its_in)
    os.close(its_out)
    timer = threading.Timer(LONGEST_SECONDS, process.kill)
    timer.start()
    try:
        with open(our_in, "rb") as answers, open(our_out, "wb", 0) as commands:
            yield Browser(answers, commands)
    finally:
        timer.cancel()
        process.kill()
        process.wait()


class Browser:
    """A running Chromium."""

    def __init__(self, answers, commands):
        self._answers, self._commands = answers, commands
        self._count = 0

    def send(self, method, session=None, **parameters):
        """Return the result of a command, of the session of a tab or of the browser."""
        self._count += 1
        command = {"id": self._count, "method": method, "params": parameters}
        if session:
            command["sessionId"] = session
        self._commands.write(json.dumps(command).encode() + b"\0")
        while True:
            answer = json.loads(b"".join(iter(self._byte, b"\0")))
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return answer["result"]

    def _byte(self):
        byte = self._answers.read(1)
        assert byte, "Chromium has ended"
        return byte

    def open(self, url, downloads):
        """Return a Tab with the page, of a user of its own; what it downloads lies in a folder."""
        user = {"browserContextId": self.send("Target.createBrowserContext")["browserContextId"]}
        where = {"behavior": "allow", "downloadPath": str(downloads)}
        self.send("Browser.setDownloadBehavior", **where, **user)
        target = self.send("Target.createTarget", url=url, **user)["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        return Tab(self, target, attached["sessionId"])


class Tab:
    """A page in a Browser."""

    def __init__(self, browser, target, session):
        self._browser, self._target, self._session = browser, target, session

    def value(self, expression, **options):
        """Return the value of a JavaScript expression, or of its promise."""
        options = {"returnByValue": True, "awaitPromise": True, **options}
        result = self._browser.send(
            "Runtime.evaluate", self._session, expression=expression, **options
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value", result["result"].get("objectId"))

    def wait(self, expression, seconds=60):
        """Return the value of a JavaScript expression as soon as it counts as true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := self.value(expression):
                return value
            time.sleep(0.1)
        raise AssertionError(f"not true: {expression}\n{self.value('document.body.innerText')}")

    def choose_files(self, selector, *paths):
        """Give files to the input that a CSS selector finds."""
        found = self.value(f"document.querySelector({selector!r})", returnByValue=False)
        files = [str(path) for path in paths]
        self._browser.send("DOM.setFileInputFiles", self._session, files=files, objectId=found)

    def close(self):
        """Close the tab."""
        self._browser.send("Target.closeTarget", targetId=self._target)
