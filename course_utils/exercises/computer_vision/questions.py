"""Questions of chapter 4: each option with its reason."""

from course_utils.exercises.computer_vision import detection_questions, segmentation_questions
from course_utils.exercises.questions import Question

QUESTIONS = {
    "nested": Question(
        "A box lies inside another one that is twice as wide and twice as high. What is their IoU?",
        [
            ("0.5", False,
             "Half as wide and half as high: the small box has a quarter of the area."),
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
            ("It keeps both boxes: they are two animals", False,
             "It does not see animals. It sees two boxes of one class that overlap by more than "
             "0.5, and takes them for one animal that was found twice."),
            ("It keeps the better box: one zebra is lost", True,
             "A threshold of 0.7 would keep both here, and elsewhere more boxes that show the "
             "same animal twice."),
            ("It joins both to one box around the two", False,
             "No box is moved or joined. Each one stays as it is, or goes."),
            ("It drops both boxes: each suppresses the other", False,
             "Only a box with a higher score suppresses. The best of all always stays."),
        ],
    ),
    "accuracy": Question(
        "In the test pictures, 95 % of the pixels are background. A network's pixel accuracy is "
        "95 %. How well does it find the objects?",
        [
            ("Well: only one pixel in twenty is wrong", False,
             "As many as belong to objects. All of these may be the wrong ones."),
            ("Not at all: it must say 'background' at every pixel", False,
             "It may: that would give 95 %. But it may also find most of each object, and err as "
             "often beside them. The number does not tell which."),
            ("Unknown: the IoU of each class would say", True,
             "Saying 'background' everywhere gives 95 % too. With four classes of objects its "
             "mIoU would be (0.95 + 0 + 0 + 0 + 0) / 5 = 0.19."),
            ("Well: its mean IoU has to be 0.95 as well", False,
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
    "half": Question(
        "A discriminator was trained as well as possible, and still says 1/2 for every picture, "
        "real or generated. What does that say?",
        [
            ("It has learnt nothing from them: the training has failed", False,
             "An untrained one may say 1/2 as well. But this one is as good as possible, and where "
             "there is a difference the best one does not say 1/2."),
            ("Half of the pictures that it was shown were generated", False,
             "They usually are. Yet for pictures of a kind that only one side has, a good "
             "discriminator says nearly 1 or nearly 0; the share alone explains no 1/2."),
            ("Real and generated pictures are equally dense everywhere", True,
             "The best answer is real / (real + generated), in densities. It is 1/2 only where the "
             "two are equal: nothing is left by which to tell them apart."),
            ("The generator repeats the pictures of the training one by one", False,
             "Nothing was said of single pictures. A generator that draws new ones, each as often "
             "as they really occur, gets the same 1/2."),
        ],
    ),
    "falling": Question(
        "While a GAN is trained, the generator's loss falls from 2 to 0.7. Are its pictures better "
        "now?",
        [
            ("Yes: a lower loss means that a network has become better", False,
             "So it is where the task stays the same. Here the judge is trained too, and may only "
             "have become worse."),
            ("No: it falls because the discriminator has become better", False,
             "On the same pictures, a better discriminator would make this loss rise, not fall."),
            ("Unknown: the discriminator has changed in the meantime", True,
             "It says who is ahead, not how good both are. Judge the pictures by something that "
             "stays: a classifier, or their distances to real ones."),
            ("Yes: they are perfect, since 0.7 is about ln 2", False,
             "A discriminator that says 1/2 gives ln 2. One that was trained badly says 1/2 too, "
             "whatever the pictures look like."),
        ],
    ),
    "shuffled": Question(
        "The places of a style picture's feature maps are shuffled, in the same way in all "
        "channels. What does the Gram matrix become?",
        [
            ("It is shuffled in the same way", False,
             "Its rows and columns are channels, and the channels stay where they are. It has no "
             "places that could be shuffled."),
            ("It stays the same", True,
             "It is a mean over the places, and a mean does not mind the order. It knows which "
             "features occur together, and not where."),
            ("Only its diagonal stays; the rest is noise", False,
             "That would be so if each channel were shuffled in a way of its own. Here features "
             "that met at one place still meet."),
            ("Zero: the style is lost", False,
             "The same products are added up, in another order. What is lost is the content: what "
             "stands where."),
        ],
    ),
}  # fmt: skip
QUESTIONS |= detection_questions.QUESTIONS | segmentation_questions.QUESTIONS
