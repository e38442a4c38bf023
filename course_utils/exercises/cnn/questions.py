"""Questions of chapter 2: each option with its reason."""

from course_utils.exercises.questions import Number, Order, Question, Several

QUESTIONS = {
    "flattening": Question(
        "A picture is flattened. What does a plain layer no longer know?",
        [
            ("The brightness of some pixels", False,
             "All 784 numbers are there; one reshape brings the picture back."),
            ("Which pixels touch each other", True,
             "No number is lost, but a sum over all inputs does not care how they are ordered."),
            ("How many pixels the picture has", False,
             "It knows just this: a layer for 784 inputs takes no other number of them."),
            ("The sum of all the pixels", False,
             "A sum is the same in any order, and a layer could even compute it."),
        ],
    ),
    "reach": Number(
        "Five layers, each of which takes the mean of 3 × 3 neighbours. How wide is the square of "
        "inputs that one output sees?",
        11, "pixels",
        "Each layer reaches one pixel further on both sides: 1 + 5 · 2 = 11.",
        mistakes={
            15: "That adds up five windows of 3; neighbouring windows overlap, so each layer adds "
            "only 2.",
            10: "The pixel in the middle is missing.",
            3: "That is one layer.",
            6: "Each layer reaches one pixel further on *both* sides.",
            243: "That multiplies; a layer adds pixels.",
        },
    ),
    "between": Several(
        "Which of these, put between two fully connected layers, makes them more than one layer?",
        [
            ("max(x, 0), the ReLU", True,
             "It is no weighted sum: it cuts off what is negative."),
            ("Adding a bias to each number", False,
             "A weighted sum of x + b is a weighted sum of x, plus a constant."),
            ("The maximum of each pair of numbers", True,
             "A maximum is no weighted sum: which number counts depends on the numbers."),
            ("The mean of each pair of numbers", False,
             "A mean is a weighted sum, with the weights ½ and ½."),
            ("Dividing all numbers by 255", False,
             "That is a weight of 1/255 on each number."),
        ],
    ),
    "overlap": Number(
        "f is 3 between 0 and 1, and 0 elsewhere; g is 1 between 0 and 1, and 0 elsewhere. What is "
        "(f*g)(0.25)? (A number such as 1.25.)",
        0.75, "",
        "The shifted box overlaps f from 0 to 0.25; there the product is 3: 0.25 · 3 = 0.75.",
        within=0.001,
        mistakes={
            0.25: "That is the length of the overlap; the product there is 3.",
            3: "That is the height of the product, not its area.",
            2.25: "The box g covers −0.75 … 0.25 at t = 0.25, of which 0 … 0.25 overlaps f.",
        },
    ),
    "full-length": Number(
        "x has 100 numbers and h has 7. How long is their convolution by the formula of this "
        "section?",
        106, "numbers",
        "N + K − 1 = 100 + 7 − 1: y[n] is there as soon as the window touches x at all.",
        mistakes={
            107: "One too many: the window touches x first with one number, not with none.",
            100: "That is mode=\"same\".",
            94: "That is mode=\"valid\": only windows that lie inside x.",
            700: "That is the number of multiplications.",
        },
    ),
    "separable": Question(
        "Which of these kernels cannot be split into a column times a row?",
        [
            ("[[1, 2, 1], [2, 4, 2], [1, 2, 1]]", False,
             "[1, 2, 1] downwards times [1, 2, 1] to the side."),
            ("[[1, 1, 1], [1, 1, 1], [1, 1, 1]]", False,
             "[1, 1, 1] downwards times [1, 1, 1] to the side."),
            ("[[0, 1, 0], [1, 1, 1], [0, 1, 0]]", True,
             "In a column times a row all rows are multiples of one row; [0, 1, 0] and [1, 1, 1] "
             "are not."),
            ("[[1, 0, −1], [2, 0, −2], [1, 0, −1]]", False,
             "[1, 2, 1] downwards times [1, 0, −1] to the side: a Sobel filter."),
        ],
    ),
    "sobel-value": Number(
        "The Sobel filter of this section, without a flip, on a window whose three rows are "
        "10, 10, 10 · 10, 10, 10 · 30, 30, 30. What comes out?",
        -80, "",
        "(1 + 2 + 1) · 10 − (1 + 2 + 1) · 30 = −80: it gets brighter downwards, so it is negative.",
        mistakes={
            80: "The slide's filter counts above minus below: the sign.",
            -20: "The three columns have the weights 1, 2 and 1, which makes 4 times that.",
            20: "The three columns have the weights 1, 2 and 1; and look at the sign.",
            -60: "The column in the middle has the weight 2.",
        },
    ),
    "turned": Several(
        "For which kernels do convolution and cross-correlation give the same?",
        [
            ("a box, 1/9 everywhere", True, "Turned by 180° it is itself."),
            ("the Gaussian kernel", True, "It is round: turned by 180° it is itself."),
            ("the Sobel filter", False, "Turned by 180° plus and minus change places."),
            ("[[1, 0, 0], [0, 0, 0], [0, 0, 1]]", True,
             "Turned by 180° the two corners change places: the same kernel."),
            ("[[1, 0, 0], [0, 0, 0], [1, 0, 0]]", False,
             "Turned by 180° the ones stand in the right column. The flip reverses both axes."),
        ],
    ),
    "flip": Question(
        "A network was trained with true convolutions (kernels flipped). You load its weights into "
        "a library that does not flip. What must you do?",
        [
            ("Nothing: the flip has no meaning", False,
             "It has none while learning. Weights that are finished were learnt for one of the "
             "two operations, and the other one uses them in mirrored places."),
            ("Turn every kernel by 180°", True,
             "Flipped weights under cross-correlation do exactly what the old ones did under "
             "convolution, as section 2.8 showed with the letter F."),
            ("Train it again from the start", False,
             "It would work, and learn the flipped kernels. Turning them by 180° is quicker."),
            ("Exchange rows and columns of every kernel", False,
             "A transpose exchanges rows and columns. The flip reverses both: a turn by 180°."),
        ],
    ),
    "sharing": Question(
        "The picture becomes twice as high and twice as wide. How many more weights does a 3 × 3 "
        "convolution layer need?",
        [
            ("Four times as many", False,
             "That would be a layer without sharing, with weights for each pixel. The same nine "
             "weights move over all places."),
            ("Twice as many", False, "The size of the picture does not occur in the count at all."),
            ("None at all", True,
             "Out × (in × 9 + 1): only channels and filter size. The map gets larger, and so does "
             "the work, but not the number of weights."),
            ("Sixteen times as many", False,
             "So it is with a full layer, whose weights are inputs × outputs: 4 × 4."),
        ],
    ),
    "one-filter": Number(
        "A convolution layer gets 64 maps and gives 128. Its filters are 3 × 3. How many weights "
        "has *one* filter, without its bias?",
        576, "weights",
        "A filter has a plane for each map that comes in: 64 · 3 · 3. It adds them into one map.",
        mistakes={
            9: "That is one plane of it; a filter has one for each map that comes in.",
            1152: "One filter makes *one* of the 128 maps, from all 64 that come in.",
            73728: "Those are all 128 filters together.",
            192: "A plane is 3 × 3: nine weights.",
            577: "With its bias; the question leaves it out.",
        },
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
    "pooling": Question(
        "Max pooling with windows of 2 × 2, and the picture moves one pixel to the right. What "
        "happens to the pooled map?",
        [
            ("Nothing: pooling forgives any shift that is smaller than its window", False,
             "Only where the maximum stays in its window and nothing brighter comes in. The "
             "section measured how many lit values do not survive a shift of one."),
            ("It moves to the right, too, by one pixel of the pooled map", False,
             "One pixel is half a window: the pooled map cannot move by a half."),
            ("Some values stay and others change; it depends on the window", True,
             "A value stays where its maximum stays inside and nothing brighter comes in: a little "
             "tolerance to shifts, and no invariance."),
            ("Every value of the map that is not 0 changes", False,
             "Inside of strokes the maximum is the same before and after."),
        ],
    ),
    "shifted-logits": Question(
        "All ten logits of a picture get larger by 5. What does softmax make of it?",
        [
            ("The same probabilities", True,
             "e⁵ is a factor of every term, above and below the line, and cancels."),
            ("Larger probabilities, all of them", False,
             "They have to sum to 1, so they cannot all get larger."),
            ("A surer answer: the largest one grows", False,
             "That is what multiplying the logits does. Adding leaves their differences."),
            ("Probabilities nearer to one another", False,
             "Dividing the logits does that. Adding leaves their differences."),
        ],
    ),
    "backward-order": Order(
        "In which order are these computed in one training step?",
        ["the first layer's output", "the logits", "the loss",
         "the gradient of the logits", "the gradients of the last layer's weights",
         "the gradients of the first layer's weights"],
        "The forward pass goes from the first layer to the loss; the backward pass returns from "
        "the loss to the first layer, and each layer's gradient needs that of the layer behind it.",
    ),
    "test-score": Question(
        "Somebody trains with ten learning rates, keeps the one with the best test score, and "
        "reports this score. What is wrong?",
        [
            ("Ten rates are too few to find the best one", False,
             "Perhaps; but with a hundred the same would be wrong."),
            ("The score is too good: the test set took part in the choice", True,
             "The best of ten scores is partly luck with these very digits. A validation set is "
             "there for the choice, and the test set for one measurement at the end."),
            ("Nothing, since the network has not been trained on the test digits", False,
             "It was not trained on them, but chosen by them."),
            ("The training digits should have been used for the choice", False,
             "On those the network that learnt them by heart would win."),
        ],
    ),
}  # fmt: skip
