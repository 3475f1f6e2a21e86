"""Classifiers of frames: the same loading code on tiny random copies saved to disk."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hub_models import check, picture

from encoders.hub import torchvision_nets, video_nets
from encoders.hub import weights as weights_module


def tiny_resnet():
    from torchvision.models.resnet import BasicBlock, ResNet

    return ResNet(BasicBlock, [1, 1, 1, 1])


def tiny_vgg():
    import torch
    from torchvision.models.vgg import VGG, make_layers

    with torch.device("meta"):  # its own 100 million weights are thrown away
        net = VGG(make_layers(["M", "M", 8, "M", "M", "M"]), init_weights=False)
    sizes = [(8 * 49, 32), (32, 32), (32, 1000)]
    layers = [
        layer for n, m in sizes for layer in (torch.nn.Linear(n, m), torch.nn.ReLU(), torch.nn.Dropout())
    ]
    net.features = make_layers(["M", "M", 8, "M", "M", "M"])
    net.classifier = torch.nn.Sequential(*layers[:7])
    return net


def tiny_x3d():
    from pytorchvideo.models.x3d import create_x3d

    net = create_x3d(
        input_clip_length=4, input_crop_size=256, width_factor=0.5, depth_factor=1, head_dim_out=24
    )
    return video_nets.remove_softmax(net)


def tiny_i3d():
    from pytorchvideo.models.hub.resnet import i3d_r50

    return video_nets.remove_softmax(i3d_r50(stem_dim_out=4))


PLANS = {
    "resnet152": replace(torchvision_nets.RESNET152, build_model=tiny_resnet, dim=512),
    "vgg16": replace(torchvision_nets.VGG16, build_model=tiny_vgg, dim=32),
    "x3d-m": replace(
        video_nets.X3D_M,
        build_model=tiny_x3d,
        dim=24,
        preprocess=partial(video_nets.preprocess_clip, frame_count=4),
        input_shape=(3, 4, 256, 256),
    ),
    "i3d-r50": replace(video_nets.I3D_R50, build_model=tiny_i3d, dim=128),
}


def saved(name, folder):
    """A random copy of the classifier as a checkpoint file, in the envelope its publisher uses."""
    import torch

    torch.manual_seed(0)
    state = PLANS[name].build_model().state_dict()
    file = folder / f"{name}.pth"
    torch.save({"model_state": state} if "kinetics" in PLANS[name].weights_url else state, file)
    return file


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANS)
def test_classifier_contract(name, tmp_path):
    import torch

    encoder = torchvision_nets.FrameClassifier(PLANS[name], saved(name, tmp_path))
    items = [picture(t=3), picture(t=9, h=300, w=40, seed=1)]
    rows = check(encoder, items, picture(t=0))
    whole = encoder.spec.build_model().eval()
    whole.load_state_dict(weights_module.read_checkpoint(encoder.weights_path))
    with torch.inference_mode():
        wanted = whole(torch.from_numpy(encoder.spec.preprocess(items[0]))).mean(0).numpy()
    logits = encoder.logits(rows)
    assert logits.shape == (2, len(encoder.classes)) and logits.dtype == np.float32
    assert np.allclose(logits[0], wanted, atol=1e-3 * np.abs(wanted).max())


@pytest.mark.parametrize(
    ("plan", "dim", "classes"),
    [
        (torchvision_nets.RESNET152, 2048, 1000),
        (torchvision_nets.VGG16, 4096, 1000),
        (video_nets.X3D_M, 2048, 400),
        (video_nets.I3D_R50, 2048, 400),
    ],
)
def test_full_size_heads_are_where_the_plan_says(plan, dim, classes):
    import torch

    with torch.device("meta"):
        head = plan.build_model().get_submodule(plan.head_layer)
    assert (head.out_features, head.in_features) == (classes, dim) == (classes, plan.dim)


def test_label_names():
    assert (
        len(video_nets.load_kinetics_labels()) == 400 and video_nets.load_kinetics_labels()[0] == "abseiling"
    )
    assert torchvision_nets.RESNET152.load_classes()[:2] == ("tench", "goldfish")


def test_pictures_are_prepared_as_torchvision_does():
    from torchvision.models import ResNet152_Weights, VGG16_Weights
    from torchvision.transforms.functional import to_pil_image

    frames = picture(t=1, h=300, w=400)
    for weights in (ResNet152_Weights.IMAGENET1K_V1, VGG16_Weights.IMAGENET1K_V1):
        wanted = weights.transforms()(to_pil_image(frames[0])).numpy()
        assert np.allclose(torchvision_nets.preprocess_imagenet(frames)[0], wanted, atol=0.05)
