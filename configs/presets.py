"""Named sets of settings, chosen with --preset NAME; --set and flags win over them."""

PRESETS = {
    # The recipe of the weights in checkpoints/pretrained/; what it leaves out is as in configs.py.
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
        "model.display_range": "clip",
        "model.display_colour": "source",
        "model.display_guided": 3,
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
}
