"""Questions of chapter 4: each option with its reason."""

from course_utils.checks.engine import Question

QUESTIONS = {
    "nested": Question(
        "A box lies inside another one that is twice as wide and twice as high. What is their IoU?",
        [
            ("0.5", False,
             "Half as wide *and* half as high: the small box has a quarter of the area."),
            ("0.25", True,
             "The intersection is the small box, the union is the large one: 1 / 4. Covering an "
             "object whole is not yet finding it."),
            ("0.2", False,
             "That is 1 / (1 + 4). The small box is part of the large one: the union counts it "
             "once."),
            ("It depends on where inside", False,
             "Wherever it lies inside, the intersection is the whole small box, and the union is "
             "the whole large one."),
        ],
    ),
    "suppression": Question(
        "One zebra stands half behind another. The network finds both, with one good box each; "
        "the boxes overlap with an IoU of 0.6. What does non-maximum suppression with the "
        "threshold 0.5 do?",
        [
            ("It keeps both: they are two animals", False,
             "It does not see animals. It sees two boxes of one class that overlap by more than "
             "0.5, and takes them for one animal that was found twice."),
            ("It keeps the box with the higher score: one zebra is lost", True,
             "A threshold of 0.7 would keep both here, and elsewhere more boxes that show the "
             "same animal twice."),
            ("It joins them to one box around both", False,
             "No box is moved or joined. Each one stays as it is, or goes."),
            ("It drops both: they suppress each other", False,
             "Only a box with a higher score suppresses. The best of all always stays."),
        ],
    ),
    "accuracy": Question(
        "In the test pictures, 95 % of the pixels are background. A network's pixel accuracy is "
        "95 %. How well does it find the objects?",
        [
            ("Well: only one pixel in twenty is wrong", False,
             "As many as belong to objects. All of these may be the wrong ones."),
            ("Not at all: it says 'background' everywhere", False,
             "It may: that would give 95 %. But it may also find most of each object, and err as "
             "often beside them. The number does not tell which."),
            ("The number does not say; the IoU of each class would", True,
             "Saying 'background' everywhere gives 95 % too. With four classes of objects its "
             "mIoU would be (0.95 + 0 + 0 + 0 + 0) / 5 = 0.19."),
            ("Its mIoU is 0.95 as well", False,
             "The mIoU counts every class the same, and the pixel accuracy every pixel. They are "
             "far apart where one class has most of the pixels."),
        ],
    ),
    "touching": Question(
        "Two zebras touch. Both segmentations are perfect. What does the semantic one give, and "
        "what the instance one?",
        [
            ("Both give two zebras", False,
             "The semantic one gives each pixel a class, and both zebras have the same."),
            ("Semantic: one region 'zebra'. Instance: two masks", True,
             "A map of classes has no line between two of one class. Where they do not touch, "
             "counting regions would still work; here it finds one."),
            ("Semantic: two regions. Instance: one mask", False,
             "The other way round: it is the instances that are told apart."),
            ("Semantic: one region 'zebra'. Instance: two boxes, no masks", False,
             "Boxes alone are detection. Instance segmentation says for every pixel to which "
             "object it belongs."),
        ],
    ),
    "quality": Question(
        "A network finds every segment and invents none, but draws them sloppily: each has an IoU "
        "of about 0.6 with the true one. PQ = SQ × RQ. Which of the two suffers?",
        [
            ("SQ: it is 0.6, and RQ is 1", True,
             "All IoUs are above 0.5, so all match: nothing missed, nothing invented. SQ is the "
             "mean IoU of the matches, so PQ is 0.6."),
            ("RQ: it is 0.6, and SQ is 1", False,
             "RQ asks only how many segments match, and all do. How well they fit is SQ."),
            ("Both: each is 0.6, and PQ is 0.36", False,
             "RQ counts segments, not pixels: all match, so it is 1, and PQ is 0.6."),
            ("Neither: above 0.5 a match is a match", False,
             "So it is for RQ. SQ takes the mean of the IoUs themselves."),
        ],
    ),
}  # fmt: skip
