"""Predictions of chapter 1: for each prompt, the question in one line and what came out."""

from course_utils.exercises.predictions import Amount, Choice, Order, Several

PREDICTIONS = {
    "pixels-zoom-text": Choice(
        "pixels-zoom",
        "Enlarged to a few pixels, the pupil's edge is",
        ["a smooth curve", "steps of flat squares", "a blur without an edge"],
        1,
    ),
    "pixels-change-text": Choice(
        "pixels-change",
        "The two lines make in the picture",
        ["a green block in the eye", "a green frame around the eye", "an eye with more green"],
        0,
    ),
    "resolution-fall-text": Choice(
        "resolution-fall",
        "Every 4th, 12th, 30th pixel: lost are",
        [
            "whiskers at 4, cat at 12",
            "whiskers at 4, cat at 30",
            "whiskers at 12, cat at 30",
            "only the whiskers, at 30",
        ],
        1,
    ),
    "resolution-enlarge-text": Choice(
        "resolution-enlarge",
        "Enlarged 6 times, the pixels are seen with",
        ["nearest", "bilinear", "both", "neither"],
        0,
    ),
    "aliasing-text": Several(
        "aliasing-stripes",
        "Of the stripes (0 and 255), each way leaves",
        [
            "every second pixel: stripes",
            "every second pixel: only one value",
            "averaging: stripes",
            "averaging: one gray",
        ],
        {1, 3},
    ),
    "bitmap-draw-text": Choice(
        "bitmap-draw",
        "The viewer of 8-bit gray shows",
        ["a black face on white", "a white face on black", "all black", "all gray"],
        2,
    ),
    "layout-reshape-text": Choice(
        "layout-reshape",
        "photo.reshape(3, 256, 256)[0] is",
        ["the red channel", "the photo on its side", "a mess of stripes", "an error"],
        2,
    ),
    "channels": Choice(
        "channels-split",
        "The red saucer is brightest in",
        ["R", "G", "B", "all three alike"],
        0,
    ),
    "channels-overflow-text": Choice(
        "channels-overflow",
        "As uint8, a pixel of 250 made brighter by 10 is",
        ["260", "255", "4", "an error"],
        2,
    ),
    "dominant": Several(
        "dominant-means",
        "The largest of the three means is in",
        [
            "coffee: R",
            "coffee: G",
            "starry_night: G",
            "starry_night: B",
            "parks: G",
            "parks: B",
        ],
        {0, 3, 4},
    ),
    "gray": Choice(
        "gray-luma",
        "Pure red beside pure green:",
        [
            "red is brighter by both",
            "green is brighter by both",
            "equal by mean, green by luma",
            "equal by mean, red by luma",
        ],
        2,
    ),
    "gray-photo-text": Order(
        "gray-photo",
        "The coffee's four gray pictures, the darkest first",
        ["B", "G", "grayscale", "R"],
    ),
    "gray-same-text": Choice(
        "gray-same",
        "Three different colours with one gray:",
        ["possible", "only for two colours", "impossible"],
        0,
    ),
    "shift": Amount(
        "shift-digit", "Share of pixels with ink that change, moved by 2, in %:", 92, 10, "%"
    ),
    "shift-conv-text": Choice(
        "shift-conv",
        "Shift and convolve in either order:",
        ["exactly the same", "nearly the same", "quite different"],
        0,
    ),
    "shift-pool-text": Amount(
        "shift-pool", "Share of lit values unchanged, windows of 4, in %:", 52, 12, "%"
    ),
    "shift-measure-text": Choice(
        "shift-plot",
        "From 0 to 8 pixels to the right, the accuracy",
        [
            "falls for both",
            "falls for pixels, stays for pooled",
            "stays for pixels, falls for pooled",
            "stays for both",
        ],
        1,
    ),
}
