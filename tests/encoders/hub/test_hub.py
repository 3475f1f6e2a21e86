"""Hub models without a hub: the same loading code on tiny random copies saved to disk."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from encoders.base import Audio, MissingBackendError, encode_all, is_missing_row
from encoders.hub import audio_nets, clip_clap, torchvision_nets, video_nets
from encoders.hub import weights as weights_module
from encoders.hub.dual_encoders import load_dual_encoder

RNG = np.random.default_rng(0)
WORDS = ["[PAD]", "[UNK]", "[BOS]", "[EOS]", "a", "photo", "sound", "of", "the", "dog", "cat"]


def picture(t=2, h=50, w=70, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (t, h, w, 3), np.uint8)


def noise(seconds, rate=48000, seed=0):
    samples = np.random.default_rng(seed).normal(0, 0.1, int(seconds * rate))
    return Audio(samples=samples.astype(np.float32), sample_rate=rate)


SILENCE = Audio(samples=np.zeros(48000, np.float32), sample_rate=48000)


@pytest.fixture(scope="module", autouse=True)
def empty_machine(tmp_path_factory):
    """No weights in any cache, no exported network of another test, no network."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        for name in ("AFFECT_CACHE", "TORCH_HOME", "AFFECT_MODELS"):
            patch.setenv(name, str(home / name.lower()))
        patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(home / "hf"))
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        yield home


def check(encoder, items, silent):
    """The promises: shape, dtype, no dependence on the batch, NaN when there is nothing to say."""
    rows = encode_all(encoder, [*items, silent])
    assert is_missing_row(rows).tolist() == [False] * len(items) + [True]
    assert np.allclose(rows, encode_all(encoder, [*items, silent], batch_size=1), atol=1e-4, equal_nan=True)
    assert len({tuple(row) for row in rows.round(6)}) == len(rows)
    return rows[:-1]


# ---- classifiers of frames ----


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


@pytest.mark.parametrize("shape", [(300, 400), (500, 281), (256, 256)])
def test_clips_are_prepared_as_pytorchvideo_does(shape):
    import torch

    frames = picture(5, *shape)
    h, w = shape
    size = (256, w * 256 // h) if h <= w else (h * 256 // w, 256)
    clip_ = torch.from_numpy(frames[[0, 1, 2, 4]]).permute(3, 0, 1, 2) / 255
    scaled = torch.nn.functional.interpolate(clip_, size=size, mode="bilinear", align_corners=False)
    top, left = round((size[0] - 256) / 2), round((size[1] - 256) / 2)
    wanted = (scaled[:, :, top : top + 256, left : left + 256] - 0.45) / 0.225
    got = video_nets.preprocess_clip(frames, 4)
    assert got.shape == (1, 3, 4, 256, 256) and np.abs(got[0] - wanted.numpy()).max() < 2 / 255 / 0.225


def test_a_clip_shorter_than_the_sample_repeats_frames():
    frames = picture(t=3)
    assert [int(f[0, 0, 0]) for f in video_nets.sample_evenly(frames, 5)] == [
        int(frames[i, 0, 0, 0]) for i in (0, 0, 1, 1, 2)
    ]


# ---- transformers ----


def save_tokenizer(folder):
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[BOS] $A [EOS]", special_tokens=[("[BOS]", 2), ("[EOS]", 3)]
    )
    special = {"pad_token": "[PAD]", "bos_token": "[BOS]", "eos_token": "[EOS]", "unk_token": "[UNK]"}
    PreTrainedTokenizerFast(tokenizer_object=words, model_max_length=16, **special).save_pretrained(folder)


SMALL = {"hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2, "num_attention_heads": 2}
TEXT = {**SMALL, "vocab_size": len(WORDS), "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}


def save_clip(folder):
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    config = CLIPConfig(
        text_config={**TEXT, "max_position_embeddings": 16},
        vision_config={**SMALL, "image_size": 224, "patch_size": 32},
        projection_dim=24,
    )
    CLIPModel(config).save_pretrained(folder)
    CLIPImageProcessor().save_pretrained(folder)
    save_tokenizer(folder)


def save_clap(folder):
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

    audio = {"depths": [1] * 4, "num_attention_heads": [1, 2, 2, 4], "patch_embeds_hidden_size": 16}
    config = ClapConfig(
        text_config={**TEXT, "max_position_embeddings": 20},
        audio_config={**audio, "hidden_size": 128, "window_size": 8},
        projection_dim=24,
    )
    ClapModel(config).save_pretrained(folder)
    ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad").save_pretrained(folder)
    save_tokenizer(folder)


def save_ast(folder):
    from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification

    ASTForAudioClassification(ASTConfig(**SMALL, num_labels=7)).save_pretrained(folder)
    ASTFeatureExtractor().save_pretrained(folder)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    import torch

    torch.manual_seed(0)
    root = tmp_path_factory.mktemp("models")
    for name, save in {
        clip_clap.CLIP.name: save_clip,
        clip_clap.CLAP.name: save_clap,
        audio_nets.NAME: save_ast,
    }.items():
        save(root / name)
    return root


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pair", "items", "silent"),
    [
        (clip_clap.CLIP, [picture(), picture(t=3, h=300, w=200, seed=1)], picture(t=0)),
        (clip_clap.CLAP, [noise(1), noise(16, seed=1), noise(3, rate=22050, seed=2)], SILENCE),
    ],
    ids=["clip", "clap"],
)
def test_towers_contract(folders, pair, items, silent):
    encoder = load_dual_encoder(pair, folders / pair.name)
    check(encoder, items, silent)
    texts = ["a photo of the dog", "cat", " ", "the sound of a dog " * 9]
    rows = encoder.encode_text(texts)
    assert rows.shape == (4, encoder.card.dim) == (4, 24) and rows.dtype == np.float32
    assert is_missing_row(rows).tolist() == [False, False, True, False]
    alone = np.concatenate([encoder.encode_text([text]) for text in texts])
    assert np.allclose(rows, alone, atol=1e-4, equal_nan=True)
    assert np.allclose(np.linalg.norm(rows[[0, 1, 3]], axis=1), 1, atol=1e-5)


def test_pictures_go_in_as_clip_itself_takes_them(folders):
    import torch
    from transformers import CLIPImageProcessor, CLIPModel

    frames = picture(t=1, h=100, w=80)
    folder = folders / clip_clap.CLIP.name
    encoder = load_dual_encoder(clip_clap.CLIP, folder)
    with torch.inference_mode():
        pixels = CLIPImageProcessor.from_pretrained(folder)(images=frames[0], return_tensors="pt")
        wanted = (
            CLIPModel.from_pretrained(folder).eval().get_image_features(**pixels).pooler_output[0].numpy()
        )
    assert np.allclose(encoder.encode([frames])[0], wanted / np.linalg.norm(wanted), atol=1e-3)


def test_audioset_contract(folders):
    import torch
    from transformers import ASTForAudioClassification

    encoder = audio_nets.load_spectrogram_transformer(folders / audio_nets.NAME)
    sound = noise(5, rate=16000)
    rows = check(encoder, [sound, noise(21, seed=1)], SILENCE)
    with torch.inference_mode():
        model = ASTForAudioClassification.from_pretrained(encoder.folder).eval()
        wanted = model(torch.from_numpy(encoder.compute_spectrograms(sound))).logits[0].numpy()
    assert np.allclose(encoder.logits(rows)[0], wanted, atol=1e-3)
    assert encoder.classes == tuple(f"LABEL_{i}" for i in range(7))


# ---- finding weights ----


FACTORIES = {
    "resnet152": torchvision_nets.resnet152,
    "vgg16": torchvision_nets.vgg16,
    "x3d-m": video_nets.x3d_m,
    "i3d-r50": video_nets.i3d_r50,
    "clip-vit-base-patch32": clip_clap.clip_vit_base_patch32,
    "clap-htsat-unfused": clip_clap.clap_htsat_unfused,
    "ast-audioset": audio_nets.ast_audioset,
}


@pytest.mark.parametrize("name", FACTORIES)
def test_missing_weights_say_what_to_run(name, empty_machine):
    with pytest.raises(MissingBackendError) as gone:
        FACTORIES[name]()
    message = str(gone.value)
    assert name in message and str(empty_machine / "affect_models" / name) in message
    assert "curl -L" in message or "hf download" in message


@pytest.mark.parametrize("name", [clip_clap.CLIP.name, clip_clap.CLAP.name, audio_nets.NAME])
def test_models_are_found_by_their_registry_name(name, folders, monkeypatch):
    monkeypatch.setenv("AFFECT_MODELS", str(folders))
    card = FACTORIES[name]().card
    assert card.name == name and len(card.sha256) == 64


def test_checkpoints_are_found_in_either_place(tmp_path, monkeypatch):
    import torch.hub

    assert weights_module.get_torch_checkpoints_dir() == Path(torch.hub.get_dir()) / "checkpoints"
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = weights_module.get_torch_checkpoints_dir() / "resnet152-394f9c45.pth"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"cached")
    assert torchvision_nets.resnet152().weights_path == cached
    monkeypatch.setenv("AFFECT_MODELS", str(tmp_path))
    placed = tmp_path / "resnet152.pth"
    placed.write_bytes(b"placed by hand")
    assert torchvision_nets.resnet152().weights_path == placed


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\x03\x04 cut short"])
def test_a_broken_download_is_named(tmp_path, content):
    (tmp_path / "resnet152.pth").write_bytes(content)
    with pytest.raises(MissingBackendError, match=r"resnet152\.pth is not a readable checkpoint"):
        weights_module.read_checkpoint(tmp_path / "resnet152.pth")


def test_a_checkpoint_never_runs_code(tmp_path):
    import torch

    torch.save({"model_state": Audio}, tmp_path / "evil.pth")
    with pytest.raises(MissingBackendError):
        weights_module.read_checkpoint(tmp_path / "evil.pth")
