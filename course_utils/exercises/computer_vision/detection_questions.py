"""Questions of 4.3 to 4.11: each option with its reason."""

from course_utils.exercises.questions import Number, Order, Question, Several

QUESTIONS = {
    "one_pass": Question(
        "A picture shows three digits, another one of the same size shows thirty. For which one "
        "does the YOLO network need more time, before any box is removed?",
        [
            ("For thirty digits, about ten times as much", False,
             "So it would be if each thing had a pass of its own, as the regions of R-CNN have."),
            ("For thirty digits, but only a little more", False,
             "The convolutions do not know what is on the picture: the multiplications are the "
             "same ones."),
            ("For neither: both need the same time", True,
             "All cells answer in every picture, also those with nothing in them. What depends on "
             "the things comes later: NMS has more boxes to compare."),
            ("For three digits: most cells are empty", False,
             "An empty cell returns its 15 numbers, too. Nothing is searched."),
        ],
    ),
    "which_row": Number(
        "A digit lies in the box (40, 8, 56, 44), x1, y1, x2, y2, of a picture of 64 × 64 pixels "
        "with 8 × 8 cells. In which row is the responsible cell, counted from 0?",
        3,
        "",
        "The centre's y is (8 + 44)/2 = 26, and 26/8 = 3.25: row 3.",
        mistakes={
            6: "That is the column: the centre's x is 48, and 48/8 = 6.",
            1: "That is the row of the box's top. The centre counts.",
            5: "That is the row of the box's bottom. The centre counts.",
            4: "That counts from 1, or takes the height 36/8. The first row is row 0.",
            2: "That is half of the height, 18/8, without the top. Where does the box lie?",
        },
    ),
    "raised_threshold": Several(
        "You raise the score from which boxes are shown from 0.25 to 0.5. What can happen?",
        [
            ("The precision rises", True,
             "It does if more wrong boxes go than right ones, in parts of what there was."),
            ("The precision falls", True,
             "It does if right boxes go and wrong ones stay: a wrong box may have a high score, as "
             "the clock of Notre-Dame with 92 %."),
            ("The recall falls", True,
             "It does as soon as a right box goes that was the only one of its thing."),
            ("The recall rises", False,
             "Boxes only go. No thing is found that was not found before."),
            ("The boxes that stay fit better", False,
             "A box that stays is the same one. The score orders boxes, and moves none."),
        ],
    ),
    "steps_of_rcnn": Order(
        "What does R-CNN do with a new picture, in which order?",
        [
            "selective search proposes places",
            "each place is cut out and warped",
            "the CNN computes features of each",
            "SVMs name them, ridges move the boxes",
            "NMS removes boxes within each class",
        ],
        "Localisation comes first, classification after it. NMS needs the scores of the SVMs, so "
        "it is the last.",
    ),
    "levels": Question(
        "At level 20 of the merging a digit is one region; at level 40 that region has joined the "
        "brick around it. Which boxes does selective search propose?",
        [
            ("Those of level 40, when the merging is further", False,
             "Then the digit would be lost. Later levels are no better, they are larger."),
            ("Those of level 20, which is the right level", False,
             "Nobody knows the right level of a new picture, and each thing has another one."),
            ("Those of the regions of all levels", True,
             "Every region that ever existed gives its box. The later steps sort out the others: "
             "proposals have to cover, and not to be right."),
            ("Those of the level with the best similarity", False,
             "The similarity chooses the next two regions to join. It does not judge a level."),
        ],
    ),
    "nearly_half": Question(
        "A proposal covers a 7 with an IoU of 0.45, and no other digit. As what does the CNN learn "
        "to see this crop, in the first training of R-CNN?",
        [
            ("As a 7: there is no other digit", False,
             "The name of the best digit counts only from an IoU of 0.5 on."),
            ("As background: 0.45 is below 0.5", True,
             "A crop *shows* a digit from 0.5 on, and everything else is background, also a large "
             "part of a digit. So the network learns to refuse boxes that fit badly."),
            ("As nothing: it is left out of the training", False,
             "That is the rule of the SVMs (4.10), which leave out what lies between."),
            ("As 45 % a 7 and 55 % background", False,
             "Each crop has one label, and cross-entropy takes it as the whole truth."),
        ],
    ),
    "moved_by": Number(
        "A proposal is 40 pixels wide and 20 pixels high. The regression answers tx = 0.25, "
        "ty = 0, tw = 0, th = 0. By how many pixels does the box move to the right?",
        10,
        "pixels",
        "tx is in widths of the proposal: 0.25 · 40 = 10. tw = 0 means ln 1: the size stays.",
        mistakes={
            0.25: "tx is no number of pixels: it is in widths of the proposal.",
            5: "That is a quarter of the height. The way to the right is in widths.",
            20: "tx moves the centre by 0.25 widths, and not by half a width.",
            50: "That is 1.25 widths: the growth is in tw, and tw = 0.",
            40: "That is a whole width.",
        },
    ),
    "what_changes": Question(
        "An SVM of R-CNN calls a 3 an 8, and is trained on. What changes in the CNN whose features "
        "it reads?",
        [
            ("Its last layer, which is nearest to the SVM", False,
             "The last layer was thrown away, and what is left of the CNN is not trained now."),
            ("All its weights, by a small step each", False,
             "So it is in Faster R-CNN, where one loss reaches all parts."),
            ("The features of this one crop", False,
             "They are numbers in an array, computed once; they stay as they are."),
            ("Nothing: no gradient reaches it", True,
             "The features are an array without a gradient. If they do not tell a 3 from an 8, the "
             "SVM cannot mend it."),
        ],
    ),
}  # fmt: skip
