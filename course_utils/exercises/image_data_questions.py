"""Questions of chapter 1: each option with its reason."""

from course_utils.exercises.engine import Question

QUESTIONS = {
    "layout": Question(
        "A photo is an array of shape (480, 640, 3). Which call gives PyTorch what it expects?",
        [
            ("photo.reshape(3, 480, 640)", False,
             "The shape is right, the pixels are not: reshape keeps the order in memory and only "
             "counts it off differently, so each 'channel' is a third of the picture, scrambled."),
            ("photo.transpose(2, 0, 1)", True,
             "transpose names the old axes in their new order: channels, rows, columns."),
            ("photo.T", False,
             ".T reverses all axes: (3, 640, 480). Height and width are exchanged, so the picture "
             "lies on its side."),
            ("photo[None]", False,
             "That adds a batch axis in front, (1, 480, 640, 3), and leaves the channels last."),
        ],
    ),
    "overflow": Question(
        "np.uint8(250) + np.uint8(10): what comes out, and why?",
        [
            ("260", False, "uint8 has 8 bits: it ends at 255."),
            ("255, it stops at the top", False,
             "Pillow's and OpenCV's own adders do that (such arithmetic is called saturating; the "
             "saturation of a colour is another thing); NumPy does not."),
            ("4, it goes around", True,
             "260 − 256 = 4. Nothing warns when whole arrays are added: widen first, then clip."),
            ("an error", False, "NumPy may warn for single numbers; for arrays it is silent."),
        ],
    ),
    "equivariance": Question(
        "A digit moves 3 pixels to the right. What does a convolution's output do?",
        [
            ("It stays the same: convolution is invariant", False,
             "Then you could not tell from it where the digit is. The section measured that the "
             "output moves along."),
            ("It moves 3 pixels to the right: convolution is equivariant", True,
             "Shift in, shift out, exactly (away from the borders). Pooling is what then makes "
             "small shifts disappear."),
            ("It changes in an unpredictable way", False,
             "Each output value is the same sum over the same neighbours, only at another place."),
        ],
    ),
}  # fmt: skip
