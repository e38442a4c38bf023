"""Questions of chapter 1: each option with its reason."""

from course_utils.exercises.questions import Number, Order, Question, Several

QUESTIONS = {
    "shape": Number(
        "A photo is 640 pixels wide and 480 pixels high. Which number is photo.shape[0]?",
        480,
        "",
        "shape lists the rows first: (480, 640, 3). So the height is shape[0].",
        mistakes={
            640: "that is the width. People say width × height; arrays list the rows first.",
            3: "that is shape[2]: three numbers for each pixel.",
            307200: "that is the number of all pixels.",
            921600: "that is photo.size: the number of all values.",
        },
    ),
    "aliasing": Several(
        "A photo of a tiled roof gets a tenth of its width and height. Which ways can show "
        "stripes that the roof does not have?",
        [
            ("keep every tenth row and column", True,
             "99 of 100 pixels are never looked at; which tiles are hit can repeat as stripes."),
            ("read the nearest pixel under each new centre", True,
             "That, too, takes one pixel of 100. The centre in place of the corner changes "
             "which one."),
            ("mix the four pixels around each new centre", True,
             "Bilinear looks at 4 of 100 pixels. It is made for enlarging; libraries that use it "
             "for shrinking average first (antialias=True)."),
            ("take the mean of each block of 10 × 10 pixels", False,
             "Every pixel counts, so detail that is finer than the new grid becomes a flat gray."),
        ],
    ),
    "bits": Number(
        "A scan in black and white has 800 × 600 pixels of 1 bit each, without gaps. How many "
        "bytes is it?",
        60000,
        "bytes",
        "480,000 pixels are 480,000 bits, and 8 bits make a byte.",
        mistakes={
            480000: "that is the number of bits, or a byte for each pixel; a byte holds 8 pixels.",
            1440000: "that is three bytes a pixel, as a colour photo has.",
            3840000: "that multiplies by 8; a pixel is an eighth of a byte.",
            180000: "that counts three channels; black and white has one.",
        },
    ),
    "layout": Question(
        "A photo is an array of shape (480, 640, 3). Which call gives PyTorch what it expects?",
        [
            ("photo.reshape(3, 480, 640)", False,
             "The shape is right, the pixels are not: reshape keeps the order in memory and only "
             "counts it off differently, so each 'channel' is a third of the picture, scrambled."),
            ("photo.transpose(2, 0, 1)", True,
             "transpose names the old axes in their new order: channels, rows, columns."),
            ("photo.transpose(2, 1, 0)", False,
             "The channels are in front, but (3, 640, 480) has height and width exchanged: the "
             "picture lies on its side. photo.T does the same."),
            ("photo[None]", False,
             "That adds a batch axis in front, (1, 480, 640, 3), and leaves the channels last."),
        ],
    ),
    "overflow": Question(
        "np.uint8(250) + np.uint8(10): what comes out, and why?",
        [
            ("260, it becomes a wider type", False, "uint8 has 8 bits: it ends at 255."),
            ("255, it stops at the top", False,
             "Pillow's and OpenCV's own adders do that (such arithmetic is called saturating; the "
             "saturation of a colour is another thing); NumPy does not."),
            ("4, it goes around", True,
             "260 − 256 = 4. Nothing warns when whole arrays are added: widen first, then clip."),
            ("an error", False, "NumPy may warn for single numbers; for arrays it is silent."),
        ],
    ),
    "dominant": Question(
        "In a photo R has the largest mean of the three channels. What follows from that alone?",
        [
            ("most of the photo's pixels look red", False,
             "A few very red pixels on gray give R the largest mean as well."),
            ("the sum of R over all pixels is the largest", True,
             "The mean is this sum over the number of pixels, which is the same for each channel."),
            ("the brightest pixel of the photo is a red one", False,
             "The brightest may be white, 255 in each channel. A mean says nothing of one pixel."),
            ("each pixel has more red than green and blue", False,
             "The coffee's dark pixels are brown or black; the mean hides single pixels."),
        ],
    ),
    "gray_order": Order(
        "Sort these pure colours by their luma, the darkest first.",
        ["blue (0, 0, 255)", "red (255, 0, 0)", "green (0, 255, 0)", "yellow (255, 255, 0)"],
        "The weights are 0.114 for B, 0.299 for R and 0.587 for G: 29, 76, 150, and yellow has "
        "red and green, 226.",
    ),
    "equivariance": Question(
        "A digit moves 3 pixels to the right. What does a convolution's output do?",
        [
            ("It stays the same, as invariance says", False,
             "Then you could not tell from it where the digit is. The section measured that the "
             "output moves along."),
            ("It moves 3 pixels to the right", True,
             "Shift in, shift out, exactly (away from the borders): that is equivariance. Pooling "
             "is what then makes small shifts disappear."),
            ("It changes in a way that nobody can predict", False,
             "Each output value is the same sum over the same neighbours, only at another place."),
        ],
    ),
}  # fmt: skip
