"""Predictions of 4.12 to 4.19: what is asked before each cell is run, and what came out."""

from course_utils.exercises.predictions import Amount, Choice, Order, Several

PREDICTIONS = {
    "one-hot": Choice(
        cell="one-hot-typed",
        ask="The shape of the one-hot maps, and their sum over the classes at a pixel?",
        options=[
            "(12, 19, 5), and the sum is the class",
            "(5, 12, 19), and the sum is the class",
            "(5, 12, 19), and the sum is 1",
            "(12, 19), and the sum is 5",
        ],
        right=2,
    ),
    "miou-judge-text": Choice(
        cell="miou-judge",
        ask="Pixel accuracy and mean IoU of the network that misses the purse?",
        options=[
            "accuracy near .98, mean IoU near .98",
            "accuracy near .98, mean IoU near .79",
            "accuracy near .80, mean IoU near .98",
            "accuracy near .80, mean IoU near .79",
        ],
        right=1,
    ),
    "transposed-matrix-text": Choice(
        cell="transposed-matrix",
        ask="What does the transposed matrix make of the four numbers of x?",
        options=[
            "the picture before the convolution",
            "x with zeros between its numbers",
            "the 16 numbers of the hand calculation",
            "16 equal numbers, the mean of x",
        ],
        right=2,
    ),
    "checker-text": Choice(
        cell="checker-count",
        ask="Kernel 3, stride 2: do all outputs inside get equally many inputs?",
        options=[
            "yes, each output gets the same number",
            "no, the number changes at every step",
            "no, it falls from the left to the right",
        ],
        right=1,
    ),
    "pitfall-text": Choice(
        cell="pitfall-train-2",
        ask="After 250 steps: are the digits lost among the background?",
        options=[
            "yes, nearly no pixel of them is called a digit",
            "no, most are called a digit, and few rightly named",
            "no, most are called a digit, and most rightly named",
        ],
        right=1,
    ),
    "pitfall-reading": Several(
        cell="cures",
        ask="Which of them bring clearly more right names?",
        options=["weights × 8", "three times the steps", "the detector's stages"],
        right={0, 1},
    ),
    "unet-measure-text": Order(
        cell="unet-measure",
        ask="The mean IoU on unseen pictures: from the smallest to the largest?",
        items=["FCN", "U-Net, fat strokes", "U-Net, divided by the weights"],
    ),
    "nuclei-train-text": Amount(
        cell="nuclei-train",
        ask="The IoU of the nuclei, on rows that the network has never seen?",
        value=0.89,
        within=0.05,
    ),
    "person-photographs": Several(
        cell="person-photographs-run",
        ask="On which photos does it call more than a third of the pixels a person?",
        options=["the astronaut", "the cat", "the band, close", "the orchestra, far"],
        right={0, 1, 2},
    ),
    "instance-target-text": Choice(
        cell="instance-target",
        ask="Is the piece of the 5 in the target of the 2?",
        options=[
            "yes, it lies in the box of the 2",
            "yes, but with half of the weight",
            "no, it belongs to another object",
        ],
        right=2,
    ),
    "instance-map-text": Choice(
        cell="instance-map",
        ask="How far is the masks' mAP below the boxes'?",
        options=[
            "less than .05 at all three",
            "more than .10 at all three",
            "less than .05 only at .5, more than .10 at .75",
        ],
        right=0,
    ),
    "panoptic-judge-text": Choice(
        cell="panoptic-judge",
        ask="Which is the smaller one for the merged answers?",
        options=["SQ, how well the matches fit", "RQ, how many segments match"],
        right=0,
    ),
    "simple-judge-text": Choice(
        cell="simple-judge",
        ask="What does the reader predict for noise?",
        options=[
            "each digit with a probability near .1",
            "one digit, with a probability above .9",
            "different digits, with probabilities near .5",
        ],
        right=1,
    ),
    "frechet-2-text": Choice(
        cell="frechet-2",
        ask="Which set is nearest to the training digits?",
        options=["in pairs", "copies", "copies, moved", "unseen digits"],
        right=1,
    ),
    "best-text": Choice(
        cell="best",
        ask="The best D at 2, at −1, and at 6?",
        options=[
            "near 1, near 0, near 1",
            "near 1, near 0, near 0",
            "near 1, near 0, near ½",
            "near ½, near ½, near 1",
        ],
        right=1,
    ),
    "duel-once-text": Choice(
        cell="duel-once-2",
        ask="One step each: where does the made bell go, and how wide does it become?",
        options=[
            "to 2, and its width becomes right and stays",
            "to 2, then it is a needle, then too wide",
            "it stays at −1, and its width becomes 0",
        ],
        right=1,
    ),
    "duel-once-reading": Choice(
        cell="duel-often-2",
        ask="Twenty steps of D for each of G: the end?",
        options=[
            "right shift and scale, and D answers near ½",
            "right shift and scale, and D answers near 1",
            "right shift and scale 0, and D answers near ½",
        ],
        right=0,
    ),
    "ring-count-text": Choice(
        cell="ring-count",
        ask="How many of the eight modes with one step of D, and with ten?",
        options=["8, and 8", "8, and at most 4", "at most 4, and at least 6", "at most 4, both"],
        right=2,
    ),
    "dcgan-step-text": Choice(
        cell="dcgan-step",
        ask="Why does D's loss use fakes.detach()?",
        options=[
            "so that D's step sends no gradient through G",
            "so that D's step does not change D",
            "so that the fakes become a NumPy array",
        ],
        right=0,
    ),
    "dcgan-train-2-text": Choice(
        cell="dcgan-train-2",
        ask="What does the DCGAN make after 100 and after 200 steps?",
        options=[
            "strokes, then digits that can be read",
            "blots, then blots like strokes",
            "gray noise, then gray noise again",
        ],
        right=1,
    ),
    "maker-text": Choice(
        cell="maker",
        ask="Can the digits of the GAN without labels be read?",
        options=["hardly one", "most of them", "all of them"],
        right=1,
    ),
    "collapse-text": Choice(
        cell="collapse-3",
        ask="D stands still, G goes on for 50 steps: G's loss, and its pictures?",
        options=[
            "the loss falls to 0, the pictures become better",
            "the loss falls to 0, the pictures become worse",
            "the loss stays, the pictures stay as they are",
            "the loss rises, the pictures become worse",
        ],
        right=1,
    ),
    "classes-judge-text": Amount(
        cell="classes-judge",
        ask="Of 1,000 requests, how many become the digit that was requested?",
        value=980,
        within=50,
        unit="of 1,000",
    ),
    "style-distance-text": Choice(
        cell="style-distance-2",
        ask="Which numbers of the table are small?",
        options=[
            "all: the network sees only textures",
            "none: no two pieces share a pixel",
            "those of the two paintings",
            "those on the diagonal",
        ],
        right=3,
    ),
    "descent-text": Choice(
        cell="descent-3",
        ask="The output is the photo: which part of the loss is 0 at first?",
        options=["the content difference", "the style difference", "both", "none"],
        right=0,
    ),
    "control-text": Choice(
        cell="control",
        ask="VGG with random weights: do the colours change, and are there strokes?",
        options=[
            "nothing changes",
            "the colours change, and there are blotches",
            "the colours change, and there are strokes",
            "strokes come, and the colours stay",
        ],
        right=1,
    ),
}
