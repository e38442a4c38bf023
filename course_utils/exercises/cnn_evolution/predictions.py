"""Predictions of chapter 3: what a student guesses at each prompt, and what came out."""

from course_utils.exercises.predictions import Amount, Choice, Order, Several

CONTEST_AND_FIRST_NETWORKS = {
    "ilsvrc-chart-text": Choice(
        "ilsvrc-winners",
        "In which year does the top-5 error fall most?",
        ["2012, with AlexNet", "2014, with GoogLeNet", "2015, with ResNet", "2017, with SENet"],
        0,
    ),
    "lenet-table-text": Choice(
        "lenet-run",
        "Which layer of LeNet-5 has the most parameters?",
        ["Conv 2", "Conv 3", "Fully Connected 1", "Fully Connected 2"],
        1,
    ),
    "lenet-train-text": Amount(
        "lenet-train",
        "How many of 100 new digits does LeNet-5 read after one epoch?",
        97.3,
        1.5,
        "of 100",
    ),
    "alexnet-shapes-text": Several(
        "alexnet-shapes",
        "What is true of AlexNet?",
        [
            "most parameters are in the convolutions",
            "most parameters are in the fully connected layers",
            "most of the work is in the convolutions",
            "it takes more than 1,000 times LeNet-5's work",
        ],
        {1, 2, 3},
    ),
    "alexnet-equal-text": Choice(
        "alexnet-no-pooling",
        "Without the poolings, how many times the work do the convolutions do?",
        ["about 2 times", "about 4 times", "about 11 times", "about 80 times"],
        2,
    ),
    "alexnet-relu-heading": Choice(
        "alexnet-relu-time",
        "How long does one call of tanh take, compared with ReLU?",
        ["clearly less time", "more than 1.2 times as long", "nearly the same time"],
        1,
    ),
    "alexnet-relu-try-text": Choice(
        "alexnet-relu-try",
        "Where does tanh need clearly more steps than ReLU?",
        ["on both kinds of input", "on standardised input", "on pixels − mean", "on neither kind"],
        2,
    ),
}

NORM_DROPOUT_AUGMENTATION = {
    "norm-eval-text": Choice(
        "norm-eval",
        "What becomes of a single 1, and of a single 7?",
        ["1 and 7, as they are", "−1.34 and 1.34", "0 and 0", "not a number, twice"],
        2,
    ),
    "norm-effect-run-text": Order(
        "norm-effect-run",
        "In which network is the spread after the seventh convolution smallest? Smallest first.",
        ["PyTorch's default start", "He's start", "batch normalisation"],
    ),
    "norm-effect-run-2-text": Choice(
        "norm-effect-claim",
        "Which of the three networks learn, and at which rates?",
        [
            "all three, at the small rates",
            "all three, at every rate",
            "only BN, and only at the small rates",
            "BN at every rate, He at some, the default at none",
        ],
        3,
    ),
    "dropout-text": Choice(
        "dropout",
        "A million ones, p = 0.3: which two values come out, and with which mean?",
        ["0 and 1, mean 0.7", "0 and 1.43, mean 1", "0 and 3.33, mean 1", "0 and 1.43, mean 0.7"],
        1,
    ),
    "dropout-effect-run-text": Choice(
        "dropout-effect-run",
        "What does dropout do to the accuracy on its own 1,000 digits, and on new ones?",
        [
            "it falls on its own, and rises on the new",
            "it falls on both kinds of digits",
            "nothing on its own, a little more on the new",
            "nothing on its own, 5 points more on the new",
        ],
        2,
    ),
    "augment-folds-text": Amount(
        "augment-folds",
        "How many points of accuracy does augmentation bring here?",
        3.9,
        5.5,
        "points",
    ),
    "augment-flip-run-text": Several(
        "augment-flip-run",
        "What do these changes do, by more than 1 point of accuracy?",
        [
            "mirroring lowers it for digits",
            "mirroring raises it for clothes",
            "moving raises it for digits",
            "moving lowers it for digits",
        ],
        {0, 2},
    ),
    "augment-shoes-text": Choice(
        "augment-shoes",
        "Of 100 mirrored shoes, how many does each network recognise?",
        [
            "about 90 both",
            "about 20, and about 90 after mirrored training",
            "about 60, and about 70 after mirrored training",
            "about 90, and about 20 after mirrored training",
        ],
        1,
    ),
}

VGG_AND_DEPTH = {
    "vgg-typed-text": Amount(
        "vgg-count",
        "Which share of VGG-16's parameters is its first fully connected layer?",
        74,
        5,
        "%",
    ),
    "vgg-family-text": Choice(
        "vgg-family",
        "From VGG-11 to VGG-19, how do the parameters and the work grow?",
        [
            "both by about 70 %",
            "parameters by 8 %, work by 158 %",
            "parameters by 158 %, work by 8 %",
            "both by about 10 %",
        ],
        1,
    ),
    "vgg-read": Choice(
        "vgg-deeper",
        "Does the error still fall from 16 to 19 layers (VGG), and from 101 to 152 (ResNet)?",
        ["only from 101 to 152", "in neither case", "in both cases", "only from 16 to 19"],
        2,
    ),
    "stack-field-text": Choice(
        "stack-field-figure",
        "How wide is the field of two 3 × 3, and how does it weight its corner?",
        [
            "6 pixels, corner and middle alike",
            "5 pixels, corner and middle alike",
            "5 pixels, the corner more than the middle",
            "5 pixels, the corner less than the middle",
        ],
        3,
    ),
    "depth": Choice(
        "depth-claims",
        "For how many of 100 of its training pictures is the plain network of 44 layers wrong?",
        ["for about 5", "for about 18, as with 8 layers", "for more than 40", "for about 25"],
        2,
    ),
    "depth-figure-text": Choice(
        "depth-figure",
        "What does the loss of the plain network of 44 layers do?",
        ["it stays where it was", "it falls, and then it rises", "it falls, but more slowly"],
        2,
    ),
    "depth-start-text": Choice(
        "depth-start",
        "How small is the first layer's gradient in 56 plain layers without batch norm?",
        [
            "below 10⁻¹⁵ with either start",
            "about 10⁻³ with either start",
            "about 10⁻³ by default, below 10⁻¹⁵ with He's",
            "below 10⁻¹⁵ by default, about 10⁻³ with He's",
        ],
        3,
    ),
}

SHORTCUTS = {
    "residual-zero-text": Choice(
        "residual-zero",
        "By how much does a block with its last γ at 0 change positive numbers?",
        ["it makes all of them 0", "not at all", "it doubles them", "it standardises them"],
        1,
    ),
    "residual-network-text": Choice(
        "residual-parts",
        "Which parts can be seen in the sum F(x) + x?",
        ["only F(x)", "only x", "both of them", "neither of them"],
        2,
    ),
    "residual-equal-text": Choice(
        "residual-equal",
        "How many parameters has ResNet-18, compared with the 138 million of VGG-16?",
        ["about 1/12 of them", "about half of them", "as many", "about twice as many"],
        0,
    ),
    "gradient-networks-text": Choice(
        "gradient-networks",
        "Residual: how many times as large as the last layer's gradient is the first layer's?",
        ["less than 0.1 times", "0.5 to 2 times", "3 to 10 times", "more than 40 times"],
        2,
    ),
    "gradient-read": Amount(
        "gradient-stream",
        "By which factor does the spread of x grow over nine residual blocks?",
        3,
        1,
        "times",
    ),
    "gradient-stream-read": Amount(
        "gradient-claims",
        "The training error of 44 residual layers?",
        17.5,
        3.5,
        "%",
    ),
    "gradient-end": Choice(
        "gradient-during",
        "At the end of training, is the factor still larger in the plain network?",
        [
            "yes, by ten times and more",
            "yes, by about twice",
            "no, both are of one size",
            "no, both are 1",
        ],
        2,
    ),
}

GATES_AND_TABLE = {
    "squeeze-lost-text": Choice(
        "squeeze-lost",
        "All pixels of a photo are shuffled: which of the three channels' means change?",
        ["all three", "none of them", "only the largest", "that depends on the order"],
        1,
    ),
    "excite-cost-text": Choice(
        "excite-cost",
        "What do 16 SE blocks add to ResNet-50?",
        [
            "10 % more parameters and multiply-adds",
            "0.06 % more parameters, 10 % multiply-adds",
            "10 % more parameters, 0.06 % multiply-adds",
            "under 1 % more of both",
        ],
        2,
    ),
    "excite-train-text": Amount(
        "excite-train-2",
        "By how many points do the gates change the accuracy of ResNet-8 on clothes?",
        -0.6,
        0.9,
        "points",
    ),
    "sum-train-text": Choice(
        "sum-figure",
        "Which networks are first after one epoch?",
        [
            "the newest, with gates and shortcuts",
            "those with BN and without dropout",
            "the largest, with most parameters",
            "the oldest, with the fewest layers",
        ],
        1,
    ),
}

TRANSFER_AND_AFTER = {
    "transfer-text": Several(
        "transfer-top5-2",
        "For which photos is the first guess not our label?",
        ["coffee (espresso)", "church", "china (palace)", "cat (tabby)", "Notre-Dame (church)",
         "rocket (missile)"],
        {3, 4},
    ),
    "transfer-probe-text-2": Choice(
        "transfer-probe-try",
        "How often is the probe right: on ImageNet's features, and on random ones?",
        [
            "about 60 %, and about 32 %",
            "about 95 %, and about 32 %",
            "about 60 %, and about 55 %",
            "about 95 %, and about 55 %",
        ],
        3,
    ),
    "transfer-tune-text": Order(
        "transfer-tune",
        "Best first: which way to a classifier of clothes?",
        ["the last block trained, too", "the linear probe", "ResNet-8 from random weights"],
    ),
    "look-occlusion-text": Choice(
        "look-occlusion-figure",
        "Where is \"drilling platform\" orange (speaks for it), where violet (against it)?",
        [
            "orange at the rocket, violet at the towers",
            "orange at the towers, violet at the rocket",
            "orange at both, violet at the sky",
            "orange at the sky, violet at both",
        ],
        1,
    ),
    "after": Amount(
        "after-depthwise",
        "Which share of the full convolution's work do the two steps have together?",
        12.7,
        3,
        "%",
    ),
    "gpu-text": Choice(
        "gpu-step",
        "What becomes of 0.00000001 and of 70,000 in 16 bits?",
        [
            "both types keep both numbers, roughly",
            "bfloat16 keeps both roughly, float16 loses both",
            "float16 keeps both roughly, bfloat16 loses both",
            "both types lose the small one and keep the large",
        ],
        1,
    ),
    "gpu-large-text": Choice(
        "gpu-resnet",
        "How many pictures per second does ResNet-50 read on this processor, forwards?",
        ["below 1", "between 2 and 500", "between 1,000 and 20,000", "above 50,000"],
        1,
    ),
}  # fmt: skip

PREDICTIONS = (
    CONTEST_AND_FIRST_NETWORKS
    | NORM_DROPOUT_AUGMENTATION
    | VGG_AND_DEPTH
    | SHORTCUTS
    | GATES_AND_TABLE
    | TRANSFER_AND_AFTER
)
