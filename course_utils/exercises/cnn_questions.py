"""Questions of chapter 2: each option with its reason."""

from course_utils.exercises.engine import Question

QUESTIONS = {
    "flip": Question(
        "A network was trained with true convolutions (kernels flipped). You load its weights into "
        "a library that does not flip. What must you do?",
        [
            ("Nothing: the flip has no meaning", False,
             "It has none while learning. Weights that are finished were learnt for one of the "
             "two operations, and the other one uses them in mirrored places."),
            ("Flip every kernel once, in both directions", True,
             "Flipped weights under cross-correlation do exactly what the old ones did under "
             "convolution, as section 2.8 showed with the letter F."),
            ("Train again from the start", False,
             "It would work, and learn the flipped kernels. Turning them by 180° is quicker."),
            ("Transpose every kernel", False,
             "A transpose exchanges rows and columns. The flip reverses both: a turn by 180°."),
        ],
    ),
    "sharing": Question(
        "The picture becomes twice as high and twice as wide. How many more weights does a 3 × 3 "
        "convolution layer need?",
        [
            ("Four times as many, one set for each pixel", False,
             "That would be a layer without sharing. The same nine weights move over all places."),
            ("Twice as many", False, "The size of the picture does not occur in the count at all."),
            ("None", True,
             "Out × (in × 9 + 1): only channels and filter size. The map gets larger, and so does "
             "the work, but not the number of weights."),
            ("Sixteen times as many", False,
             "So it is with a full layer, whose weights are inputs × outputs: 4 × 4."),
        ],
    ),
    "pooling": Question(
        "Max pooling with windows of 2 × 2, and the picture moves one pixel to the right. What "
        "happens to the pooled map?",
        [
            ("Nothing: pooling is invariant", False,
             "Only where the maximum stays in its window and nothing brighter comes in. The "
             "section measured how many lit values do not survive a shift of one."),
            ("It moves one pixel to the right", False,
             "One pixel is half a window: the pooled map cannot move by a half."),
            ("A value stays where its maximum stays inside and nothing brighter comes in", True,
             "So it is: a little tolerance to shifts, and no invariance."),
            ("Everything changes", False,
             "Inside of strokes, and in the dark, the maximum is the same before and after."),
        ],
    ),
    "padding": Question(
        "Input 32 × 32, filter 5 × 5, stride 1. Which padding on each side keeps 32 × 32?",
        [
            ("0", False, "(32 − 5)/1 + 1 = 28."),
            ("2", True, "(32 + 2·2 − 5)/1 + 1 = 32: half of the filter, rounded down."),
            ("4", False, "That is full: (32 + 8 − 5) + 1 = 36."),
            ("5", False, "(32 + 10 − 5) + 1 = 38: some windows would see nothing but padding."),
        ],
    ),
}  # fmt: skip
