"""Named sets of settings, chosen with --preset NAME; --set and flags win over them."""

from typing import Any

# Of the shipped weights.
DISPLAY = {
    "model.display_range": "clip",
    "model.display_colour": "source",
    "model.display_guided": 3,
    "model.display_detail": 1.5,
    "model.display_shadow_gain": 64.0,
    "model.display_gamut": "darken",
}
PRESETS: dict[str, dict[str, Any]] = {
    # Steps 1 and 2 of the weights in checkpoints/pretrained/, with today's display; what it leaves
    # out is as in configs.py.
    "shipped": {
        "data.appendix_sdr": "png",
        "data.patch_size_h": 192,
        "data.patch_size_w": 240,
        "data.patch_size_ft_h": 192,
        "data.patch_size_ft_w": 240,
        "data.patch_ratio_x": 0.5,
        "data.patch_ratio_y": 1.0,
        "data.patch_flip": True,
        "dev.fuse_mid_layers": True,
        "model.loss_vgg": None,
        **DISPLAY,
        "train.batch_size_ft": 1,
        "train.epochs_bot": 16,
        "train.epochs_high": 1,
        "train.epochs_ft": 5,
        "train.lr_bot": 1e-3,
        "train.lr_high": 1e-3,
        "train.pad_bot": True,
        "train.displayed_share": 0.5,
        "train.lr_final": 0.02,
        "train.loss_weights_bot": {"h": 0.0},
        "train.loss_weights_ft": {"h": 0.0, "ssim": 0.2, "n": 0.05, "s": 0.3},
    },
    # Their last step, train_ft.py --start_from FOLDER: whole HDR pictures without partners, for
    # TMQI and against contrast that the scene has not.
    "photographs": {
        "data.patch_size_ft_h": 256,
        "data.patch_size_ft_w": 384,
        "data.patch_ratio_x": 0.35,
        "data.patch_ratio_y": 1.0,
        "data.patch_flip": True,
        "data.augment_noise": 0.4,
        "data.augment_cast": 0.1,
        "data.augment_saturation": 0.05,
        "data.augment_range": 0.05,
        "data.augment_clipping": 0.05,
        "data.augment_border": 0.03,
        "dev.fuse_mid_layers": True,
        "model.loss_vgg": None,
        **DISPLAY,
        "train.whole_pictures": True,
        "train.batch_size_ft": 1,
        "train.epochs_ft": 10,
        "train.lr_ft": 5e-4,
        "train.lr_final": 0.02,
        "train.pad_bot": True,
        "train.displayed_share": 1.0,
        "train.precision": "bfloat16",
        "train.loss_weights_ft": {
            **{"h": 0.0, "tmqi": 0.0},
            **{"q": 1.0, "d": 0.25, "a": 2.0, "halo": 0.02},
        },
    },
}
