"""Predictions of chapter 4, sections 4.1 to 4.11: what came out of the cell that answers."""

from course_utils.exercises.predictions import Amount, Choice, Order, Several

PREDICTIONS = {
    "answers-figure-text": Several(
        "answers-figure",
        "In which of the four answers can you still count the two digits 2?",
        ["1 semantic", "2 detection", "3 instance", "4 panoptic"],
        {1, 2, 3},
    ),
    "iou-shift-text": Amount(
        "iou-shift", "The IoU of the 20 × 20 box that is 5 pixels too far", 0.60, 0.04
    ),
    "giou-3-text": Choice(
        "giou-3",
        "A box and its copy, further and further apart: what do the two measures do?",
        ["both fall", "both stay 0", "only the IoU falls", "only the GIoU falls"],
        3,
    ),
    "precision-cut": Choice(
        "precision-cut-code",
        "Only the boxes 1 to 3 are returned: what happens to the AP of 0.625?",
        ["it rises", "it stays", "it falls"],
        2,
    ),
    "matching-reading": Choice(
        "map-shift",
        "Each box is 1 pixel too far to the right: mAP@.5 and mAP@[.5:.95]",
        ["1.00 and 0.95", "1.00 and 0.76", "0.95 and 0.76", "0.76 and 0.50"],
        1,
    ),
    "yolo-paper-text": Amount(
        "yolo-paper", "How many numbers does the paper's network return for a picture?", 1470, 0,
        "numbers",
    ),
    "yolo-time-text": Choice(
        "yolo-time",
        "How long does the network need for one picture?",
        ["about a millisecond", "about 30 milliseconds", "about a third of a second"],
        0,
    ),
    "grid-figure-text": Amount(
        "grid-figure", "How many of the 64 cells are responsible for a thing?", 4, 0, "cells"
    ),
    "grid-lost-text": Choice(
        "grid-lost",
        "Of about 30,000 digits, how many lose their cell to another digit?",
        ["fewer than 30", "about 300", "about 3,000"],
        0,
    ),
    "loss-judge-text": Choice(
        "loss-judge",
        "All outputs are 0 and there is one thing: which part of the loss is the largest?",
        ["confidence", "box", "class"],
        0,
    ),
    "train-text": Amount(
        "small-count", "Of 100 digits on unseen pictures, how many will it find?", 92, 5, "digits"
    ),
    "small-things": Amount(
        "small-count", "Points of recall between the smaller third and the rest", 6, 4, "points"
    ),
    "output-unseen-text": Choice(
        "output-errors",
        "Of the wrong boxes, which kind is the most common one?",
        ["a wrong label", "a box that fits badly", "a second box", "a box on background"],
        0,
    ),
    "output-reading": Amount(
        "colour-baseline", "By colour alone: how many of 100 test digits get a box?", 76, 8,
        "digits",
    ),
    "objects-text": Choice(
        "objects-table",
        "mAP@.5 on the training scenes and on unseen objects: how far apart are they?",
        ["less than 0.05", "about 0.25", "more than 0.6"],
        1,
    ),
    "photographs": Choice(
        "photographs-table",
        "Which of these convolutions has the most parameters?",
        ["3 → 16, of 3 × 3", "512 → 1,024, of 3 × 3", "1,024 → 256, of 1 × 1", "512 → 255, a head"],
        1,
    ),
    "photographs-show-text": Choice(
        "photographs-show",
        "COCO has no pigs: what does the network say of the pig?",
        ["nothing: no box", "it is a dog", "it is a cow", "it is a sheep"],
        3,
    ),
    "rcnn-paper-text": Choice(
        "rcnn-paper",
        "mAP on VOC 2007: R-CNN with its large CNN, or YOLO?",
        ["YOLO, by 1 to 5 points", "R-CNN, by 1 to 5 points", "R-CNN, by more than 15"],
        1,
    ),
    "search-count-text": Choice(
        "search-count",
        "From R regions to one: how many merges, and how many regions in all?",
        ["R / 2 and R", "R − 1 and 2R − 1", "R and R²", "R² and 2R"],
        1,
    ),
    "search-recall-text": Amount(
        "search-recall", "Of 100 digits, how many do the random boxes cover?", 72, 8, "digits"
    ),
    "pretrain-text": Amount(
        "pretrain", "Pre-trained, 20 scenes: of 100 boxes, how many get the right name?", 72, 7,
        "boxes",
    ),
    "svm": Choice(
        "svm-train",
        "Of 12,531 crops of background, how many are hard negatives?",
        ["about 100", "about 3,000", "about 9,000"],
        1,
    ),
    "ridge-judge-text": Choice(
        "ridge-judge",
        "The mean IoU of boxes that begin at .6 to .7, and of those above .9",
        ["both rise", "both fall", "the first rises, the second falls", "the second rises alone"],
        2,
    ),
    "rcnn-whole-text": Choice(
        "rcnn-whole",
        "What does the regression do to mAP@.5 and to mAP@[.5:.95]?",
        [
            "both rise by about .04",
            "no change, and it falls",
            "no change, and it rises",
            "it rises, and it falls",
        ],
        1,
    ),
    "rcnn-whole-2-text": Several(
        "rcnn-errors",
        "Where do many of the wrong boxes lie?",
        ["on a whole digit", "on a part of a digit", "on background"],
        {0, 1},
    ),
    "limits": Several(
        "limits-time",
        "Which two of the six stages take most of the time?",
        ["proposals", "warp", "CNN", "SVM", "regression", "NMS"],
        {0, 2},
    ),
    "roi-time-text": Choice(
        "roi-time",
        "How many times as long does it take to look at each proposal alone?",
        ["less than 2 times", "2 to 12 times", "20 to 60 times", "more than 100 times"],
        1,
    ),
    "rpn-text": Amount("rpn-match", "Among how many boxes does our RPN choose?", 192, 0, "boxes"),
    "rpn-anchors-text": Choice(
        "faster-step",
        "After one step back: in which parts does a gradient arrive?",
        ["in all of them", "in all but `stages`", "in all but `rpn`", "in `label` and `move` only"],
        0,
    ),
    "faster-show-text": Amount(
        "faster-show", "What part of the digits do the RPN's 20 boxes cover?", 100, 3, "%"
    ),
    "pair-table-2-text": Order(
        "pair-table-2",
        "mAP@.5, from low to high",
        ["YOLO, 120 pictures", "R-CNN, 120 pictures", "YOLO", "Faster R-CNN"],
    ),
}  # fmt: skip
