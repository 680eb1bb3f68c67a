"""The settings: the one file to edit.

Sections and keys are the original's. (+) marks keys that its config lacks; epochs, learning
rates and the switches at the end stand in its scripts. Defaults are the original's where it
has one, except model.loss_vgg (a file of its own) and train.train_set_size (122).

Which value wins, the later over the earlier:
    1. this file
    2. --preset NAME, see configs/presets.py; it names the values of this file that it replaces
    3. --set section.key=value; may be repeated
    4. a script's own flags, for instance --epochs
"""

from easydict import EasyDict

config = EasyDict()

config.model = EasyDict()
# (+) Folder of one model: highlayer, botlayer and ftlayer hold the checkpoints that the stages
# save and resume from, logs holds TensorBoard's files. A folder a model. test.py takes
# checkpoints/pretrained/ftlayer while ftlayer holds no checkpoint.
config.model.ckp_root = "checkpoints/"
# Another folder for a stage; None takes the one in ckp_root.
config.model.ckp_path_high = None
config.model.ckp_path_bot = None
config.model.ckp_path_ft = None
# Prefixes of the record files: followed by ".json", the index of the training records,
# and by folders with their shards; by ".tfrecord" for test records.
config.model.tfrecord_dual = "dataset/tfrecord/dual_"
config.model.tfrecord_ft = "dataset/tfrecord/ft_"
# Perceptual loss: "imagenet" (Keras downloads VGG-16 once), the path of a
# vgg16.npy (the original's is losses/pretrained/vgg16.npy), or None without it. Where
# the download fails, the training goes on without it.
config.model.loss_model = "vgg_16"
config.model.loss_vgg = "imagenet"
# How the network's output becomes a picture; saved with the checkpoint.
config.model.display_range = "minmax"  # (+) the paper's, or "clip" to [0, 1]
# (+) "network" (the paper's) or "source": the HDR picture's chromaticity at the network's luminance
config.model.display_colour = "network"
config.model.display_saturation = 1.0  # (+) of "source": exponent of the color ratios
# (+) of "source": radius in pixels of a guided filter that takes the finest detail from the
# HDR picture; 0 leaves the network's
config.model.display_guided = 0
# (+) of "guided": the finest detail, noise too, has at most so many times the scene's contrast;
# 0 sets no limit
config.model.display_detail = 0.0
# (+) of "source": the picture is at most so many times as bright as the HDR picture, both in units
# of white, so that far darker parts, noise mostly, stay dark; 0 sets no limit
config.model.display_shadow_gain = 0.0
# (+) of "source": colors that the display cannot show are moved to gray ("desaturate"), cut off in
# each channel ("clip"), or made darker ("darken")
config.model.display_gamut = "desaturate"

config.data = EasyDict()
# Training pairs: one HDR and one SDR picture of the same stem and size.
config.data.hdr_path = "dataset/train/hdr/"
config.data.sdr_path = "dataset/train/sdr/"
config.data.appendix_hdr = "hdr"  # hdr, exr, pfm, tif or npy
# make_sdr.py writes this ending; partners that end otherwise (png, jpeg, ...) are found as well.
config.data.appendix_sdr = "jpg"
config.data.label_path = "dataset/train/labels/"  # (+) of make_sdr.py's table and contact sheets
config.data.label_saturation = 1.0  # (+) make_sdr.py: exponent of the color ratios
# Patches of step 1 (high; bot sees them 2^level_num smaller) and step 2 (ft).
config.data.patch_size_h = 512
config.data.patch_size_w = 512
config.data.patch_size_ft_h = 256
config.data.patch_size_ft_w = 256
# Sides of a random crop as fractions of the picture's, from x to y.
config.data.patch_ratio_x = 0.1
config.data.patch_ratio_y = 0.6
# Patches per picture, the last of them the whole picture resized.
config.data.patch_per_img = 16
config.data.patch_flip = False  # (+) mirror half of the patches left to right
config.data.seed = 0  # (+) of the crops
# (+) Of train.whole_pictures: shares, 0 to 1, of the pictures that get a sensor's noise, warm or
# cold light, stronger colors, fewer or more stops, highlights cut off, black borders.
config.data.augment_noise = 0.0
config.data.augment_cast = 0.0
config.data.augment_saturation = 0.0
config.data.augment_range = 0.0
config.data.augment_clipping = 0.0
config.data.augment_border = 0.0
config.data.tfrecord_shards = 16  # (+) files that the training records are spread over
config.data.processes = None  # (+) that prepare pictures; None: one per core

config.train = EasyDict()
config.train.batch_size_high = 4
config.train.batch_size_bot = 32
config.train.batch_size_ft = 8
# Number of pairs. None counts them in the records; a number must agree with that.
config.train.train_set_size = None
config.train.epochs_high = 350  # (+)
config.train.epochs_bot = 1600  # (+)
config.train.epochs_ft = 1000  # (+)
# Learning rate of Adam.
config.train.lr_high = 3e-4  # (+)
config.train.lr_bot = 3e-4  # (+)
config.train.lr_ft = 1.5e-3  # (+)
config.train.lr_final = 1.0  # (+) fraction of it at the end, reached by a cosine; 1: constant
# (+) Changes to the paper's loss weights, for instance {"h": 0.0}. Two terms are in no total
# unless they are named here, in data_domain "gamma" only: "n", brightness and contrast like the
# ground truth's (bot and ft); and in ft, against the HDR picture, "s", TMQI's structural fidelity,
# "q", TMQI, "d", the log of the contrast distortion, "a", contrast added, and "halo".
config.train.loss_weights_high = {}
config.train.loss_weights_bot = {}
config.train.loss_weights_ft = {}
config.train.seed = 0  # (+) of first weights and of the batches' order
# (+) ft: mirror the bot layer round its borders in training too; the original does so in
# testing alone. Needs a bot patch of 7 and more pixels a side.
config.train.pad_bot = False
# (+) ft: fraction of the total loss that reads the picture as it is displayed (model.display_*,
# "clip" and "source"); the remainder reads the network's own RGB, all of it in the paper.
config.train.displayed_share = 0.0
# (+) ft: train on whole HDR pictures of data.hdr_path, parts of patch_ratio_x to y brought to
# patch_size_ft, in place of records; the terms that need SDR partners are left out.
config.train.whole_pictures = False
config.train.val_path = None  # (+) ft: HDR pictures to score (TMQI, FSITM, color), or None
config.train.val_every = 1  # (+) after every so many epochs
# (+) "default": one device; "mirrored": all GPUs of this machine; "multi_worker": those of
# several machines, named in TF_CONFIG. The replicas share each batch.
config.train.strategy = "default"
# (+) Of convolutions: "float32", or "bfloat16", which is faster where the processor has avx512_bf16
# or AMX, or the GPU tensor cores; losses, optimizer and moments stay in float32.
config.train.precision = "float32"
# (+) TensorBoard's files: high, bot and ft inside; None: the folder logs in model.ckp_root.
config.train.log_path = None

config.test = EasyDict()
config.test.tfrecord_test = "dataset/tfrecord/test_"
config.test.hdr_path = "dataset/test/"
config.test.result = "result/"
# (+) jpg (4:4:4); png; png16 and tif16, of 16 bits; or ultrahdr, a JPEG that also holds the scene
config.test.format = "jpg"
config.test.jpg_quality = 95  # (+)
config.test.precision = "float32"  # (+) or "bfloat16", see train.precision
# (+) test.py, evaluate.py: mirror a picture's border, and cut it off again, in place of the crop
# to a multiple of 2^level_num; also a flag
config.test.keep_size = False
config.test.wrap = False  # (+) test.py: panoramas of 360°, left and right side meet; also a flag
# (+) test.py: in stops; above 0 more of the highlights are cut off, below 0 fewer: docs/writing.md
config.test.exposure = 0.0
# (+) test.py: 0 gives the picture of Reinhard's global operator, 1 the network's
config.test.strength = 1.0
# (+) None takes what is saved with the checkpoint; a value here overrides it, see model.display_*.
config.test.display_range = None
config.test.display_colour = None
config.test.display_saturation = None
config.test.display_guided = None
config.test.display_detail = None
config.test.display_shadow_gain = None
config.test.display_gamut = None

config.dev = EasyDict()
# Layers of the records and of training. A checkpoint of this project knows its own, which
# test.py uses; the authors' do not, so there these count.
config.dev.data_domain = "gamma"  # or linear
config.dev.decompose_filter = "bilateral"  # or gaussian
config.dev.fuse_mid_layers = False  # add the pyramid's middle levels to the detail layer
config.dev.level_num = 3  # pyramid levels
# Switches of the scripts; each is also a flag of the same name.
config.dev.phase = "testing"  # (+) generate_tfrec.py: testing or training
config.dev.ft = False  # (+) generate_tfrec.py: records of step 2 instead of step 1
config.dev.test_resize_to_half = False  # (+) generate_tfrec.py, test.py: half of each side
config.dev.no_high_branch = False  # (+) train_ft.py, test.py: without N_L (ablation)
config.dev.no_ft_branch = False  # (+) train_ft.py, test.py: without the merger (ablation)
