"""GIST: energy of Gabor filters by scale, orientation and place (Oliva & Torralba 2001)."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

GIST_DIM = 512
GIST_SIDE = 256  # px, of the square that is filtered
GABOR_SCALES, GABOR_ORIENTATIONS, GIST_GRID = 4, 8, 4  # of the filters, and cells along each side
GIST_PADDING = 32  # px, mirrored around the square before it is filtered
# cycles a picture below which the prefilter removes illumination; px mirrored for it
PREFILTER_CYCLES, PREFILTER_PADDING = 4, 5

Floats = npt.NDArray[np.float32]
GreyImage = npt.NDArray[np.uint8]


def compute_gist(image: GreyImage) -> Floats:
    """(512,) energy of 32 Gabor filters in 4 x 4 cells of a grey picture (h, w) (Oliva & Torralba 2001).

    As in the authors' LMgist: the middle square at 256 px, illumination and contrast normalised, filters of
    4 scales (fine to coarse) times 8 orientations; filter by filter, and within each cells column by column.
    """
    normalised = _normalise_contrast(_crop_centre_square(image))
    spectrum = np.fft.fft2(np.pad(normalised, GIST_PADDING, mode="symmetric"))
    responses = np.abs(np.fft.ifft2(spectrum * make_gabor_filters()))[
        :, GIST_PADDING:-GIST_PADDING, GIST_PADDING:-GIST_PADDING
    ]
    cell_side = GIST_SIDE // GIST_GRID
    cells = responses.reshape(len(responses), GIST_GRID, cell_side, GIST_GRID, cell_side).mean(axis=(2, 4))
    return np.asarray(cells.transpose(0, 2, 1).ravel(), np.float32)


@cache
def make_gabor_filters(side: int = GIST_SIDE + 2 * GIST_PADDING) -> Floats:
    """(32, side, side) transfer functions, the zero frequency first; LMgist's `createGabor`."""
    fx, fy = np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side))
    radius, angle = np.hypot(fx, fy), np.angle(fx + 1j * fy)
    filters = []
    for scale in range(GABOR_SCALES):
        centre = 0.3 / 1.85**scale  # cycles a pixel
        for orientation in range(GABOR_ORIENTATIONS):
            deviation = angle + np.pi / GABOR_ORIENTATIONS * orientation
            deviation += 2 * np.pi * ((deviation < -np.pi) * 1.0 - (deviation > np.pi))
            filters.append(
                np.exp(
                    -3.5 * (radius / centre - 1) ** 2
                    - 2 * np.pi * 16 * GABOR_ORIENTATIONS**2 / 32**2 * deviation**2
                )
            )
    return np.asarray(filters, np.float32)


def _crop_centre_square(image: GreyImage) -> Floats:
    """The middle square (256, 256), stretched to 0..255; all 0 for a picture of one grey."""
    side = min(image.shape)
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    interpolation = cv2.INTER_AREA if side > GIST_SIDE else cv2.INTER_LINEAR
    middle = image[top : top + side, left : left + side].astype(np.float32)
    square = cv2.resize(middle, (GIST_SIDE, GIST_SIDE), interpolation=interpolation)
    square -= square.min()
    return np.asarray(square * (255 / max(float(square.max()), 1e-6)), np.float32)


def _normalise_contrast(image: Floats) -> Floats:
    """(256, 256) without slow changes of illumination, divided by the local contrast; LMgist's `prefilt`."""
    padded = np.pad(np.log(image + 1), PREFILTER_PADDING, mode="symmetric")
    frequency = np.fft.fftfreq(len(padded)) * len(padded)
    lowpass = np.exp(-(frequency[:, None] ** 2 + frequency**2) * np.log(2) / PREFILTER_CYCLES**2).astype(
        np.float32
    )
    high = padded - np.fft.ifft2(np.fft.fft2(padded) * lowpass).real
    contrast = np.sqrt(np.abs(np.fft.ifft2(np.fft.fft2(high**2) * lowpass)))
    inside = slice(PREFILTER_PADDING, -PREFILTER_PADDING)
    return np.asarray((high / (0.2 + contrast))[inside, inside], np.float32)
