"""Questions of 4.12 to 4.19: each option with its reason."""

from course_utils.exercises.questions import Number, Order, Question, Several

QUESTIONS = {
    "absent": Number(
        "Four pixels: the truth is 0 0 1 1, the prediction 0 0 1 2. There are four classes, 0 to "
        "3. What is the mean IoU?",
        0.5,
        "",
        "Class 0: 2/2. Class 1: 1/2. Class 2 is only predicted: 0/1. Class 3 is nowhere and takes "
        "no part. The mean of 1, ½ and 0 is ½.",
        within=0.005,
        mistakes={
            0.75: "That is the pixel accuracy, or the mean without class 2. A class that is only "
            "predicted counts, with 0.",
            0.375: "Here class 3 counts as 0. It is neither in the truth nor in the prediction.",
            0.625: "Here class 3 counts as 1. It is neither in the truth nor in the prediction.",
        },
    ),
    "enlarged": Number(
        "A map of 8 × 8 goes through a transposed convolution with kernel 4 and stride 2, without "
        "padding. How wide is the result?",
        18,
        "pixels",
        "The last of the 8 kernels begins at (8 − 1) · 2 = 14 and is 4 wide: 14 + 4 = 18. With "
        "padding 1 one pixel is cut off at each side, and 16 are left.",
        mistakes={
            16: "That is 8 · 2: so it is with padding 1. Without padding nothing is cut off.",
            20: "The first kernel begins at 0, so the last of 8 begins at 7 · 2, not at 8 · 2.",
            3: "That is the convolution, (8 − 4) / 2 + 1. Its transpose makes the map larger.",
            11: "That is stride 1, 8 − 1 + 4. Here the kernels lie 2 pixels apart.",
            32: "That is 8 · 4: kernels side by side. With stride 2 neighbours overlap.",
        },
    ),
    "evenly": Several(
        "In which transposed convolutions do all outputs, but for the borders, get equally many "
        "inputs?",
        [
            ("kernel 2, stride 2", True, "The stride divides the kernel: 1 · 1 input each."),
            ("kernel 3, stride 2", False,
             "Of 3 columns every second output gets two, the others one: a checkerboard."),
            ("kernel 6, stride 3", True, "6 / 3 = 2: each output gets 2 · 2 inputs."),
            ("kernel 5, stride 3", False,
             "The stride does not divide 5: along a row, two of three outputs get 2, one gets 1."),
            ("kernel 3, stride 1", True, "A stride of 1 divides every kernel."),
        ],
    ),
    "narrow": Question(
        "The detector's box shows only the left half of a zebra. What does the mask head of 4.14 "
        "make of it?",
        [
            ("A mask of the whole zebra, since it sees the whole picture", False,
             "RoIAlign cuts the maps at the box, and only this piece reaches the head."),
            ("A mask of about the half, since it only looks near the box", True,
             "The box is widened by a tenth at each side. What lies farther away is not in the "
             "piece that the head sees, and has no place in its 28 × 28 answers."),
            ("No mask, since the class of a half is not known", False,
             "The head asks of each pixel whether it belongs to the object. It needs no class."),
            ("A mask of the half, and a better box beside it", False,
             "The head answers with a mask alone. The box stays what the detector said."),
        ],
    ),
    "memory": Question(
        "A generator has stored the training pictures and always gives one of them, unchanged. "
        "Which measure of 4.16 finds it out?",
        [
            ("readable: the share of which the reader is sure", False,
             "Stored digits are as readable as digits can be."),
            ("kinds: how many of the ten digits come", False,
             "Each digit is in the training pictures, so all ten come."),
            ("the Fréchet distance to the training digits", False,
             "It compares two sets, and these two are nearly the same. Copies win: 0.03."),
            ("the distance to the nearest training digit", True,
             "It is 0 for a copy, and about .3 for digits that no training saw. Copies that were "
             "moved by one pixel pass even this one."),
        ],
    ),
    "turn": Order(
        "One step of a GAN's training: what comes after what?",
        [
            "G turns noise into fakes",
            "D's loss, from real pictures and from detached fakes",
            "D's weights change",
            "G's loss, from what D now says about the fakes",
            "G's weights change",
        ],
        "G is judged by the D that has just learnt, and D learns from fakes through which no "
        "gradient goes back. G's weights come last.",
    ),
    "comparable": Several(
        "Which of these conclusions does the table allow?",
        [
            ("Faster R-CNN finds digits better than YOLO here: mAP .98 against .96", True,
             "One measure, the same unseen pictures: these two numbers may be compared."),
            ("Nuclei are easier than digits: an IoU of .89 against a mean IoU of .80", False,
             "Other pictures and other classes, and one is the IoU of one class, the other a mean "
             "over thirteen."),
            ("Masks are better than the merged answer: mask AP .98 against PQ .85", False,
             "AP asks how many masks reach an IoU of .5. PQ counts also how well they fit."),
            ("The class GAN draws what was asked in 98 of 100 pictures", True,
             "As the reader sees it, and it reads about 99 of 100 real digits rightly."),
            ("A U-Net learns faster than Faster R-CNN, since its seconds are fewer", False,
             "It begins with the stages that Faster R-CNN has trained, so those seconds come "
             "first."),
        ],
    ),
}  # fmt: skip
