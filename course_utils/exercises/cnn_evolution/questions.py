"""Questions of chapter 3, each answer with its reason."""

from course_utils.exercises.questions import Number, Order, Question, Several

FIRST_NETWORKS = {
    "top5": Question(
        "The right class is 'cat'. A network's highest scores, in order, are dog, fox, lynx, cat, "
        "wolf, and 'cat' has a probability of 0.06. Is this a top-5 error?",
        [
            ("Yes: its first guess is a dog", False,
             "That makes it a top-1 error. Top-5 looks at five guesses."),
            ("No: 'cat' is among the five", True,
             "Only that counts. The order within the five does not matter."),
            ("Yes: the probability is too low", False,
             "No probability is compared with a limit: only the order of the scores counts."),
            ("Partly: fourth place is a part of it", False,
             "A picture is right or wrong. The error is the share of wrong pictures."),
        ],
    ),
    "filters": Number(
        "A convolution has 8 filters of 3 × 3, each with a bias, and reads 4 maps of 10 × 10. How "
        "many parameters has it?",
        296,
        "parameters",
        "A filter has 3 · 3 weights for each of the 4 maps, and one bias: 37. Eight of them are "
        "296. The size of the maps does not matter.",
        mistakes={
            80: "A filter reads *all* four maps: it has 3 · 3 weights for each of them.",
            288: "Those are the weights; each filter has a bias, too.",
            320: "A filter has one bias, not one for each map that it reads.",
            400: "That is 4 · 10 · 10, the numbers that it reads. Its own do not depend on them.",
            24: "That is 8 · 3. A filter has 3 · 3 weights for each map, and a bias.",
        },
    ),
    "larger_input": Question(
        "AlexNet's convolutions get pictures of twice the height and twice the width. What becomes "
        "of their parameters and their work?",
        [
            ("Both become four times as large", False,
             "The filters stay as they are: their size does not depend on the picture."),
            ("The parameters stay, the work is about fourfold", True,
             "The same filters are used at about four times as many places. (The fully connected "
             "layer behind them would not fit any more.)"),
            ("Both stay: the filters are the same", False,
             "The filters are the same, but they are used at more places."),
            ("The parameters are fourfold, and the work stays", False,
             "That is the wrong way round: filters do not grow, and places become more."),
        ],
    ),
    "modes": Question(
        "A trained network with batch normalisation has to classify one single picture. Why must "
        "it be in evaluation mode?",
        [
            ("In training mode each call would change the weights of the layers", False,
             "Weights change only in the optimiser's step. (The running mean and variance would "
             "change, though.)"),
            ("In training mode the picture's own mean would be used", True,
             "The batch is this one picture: every channel is moved to the same mean, so what was "
             "bright or dark is lost. The running values are those that the network learnt with."),
            ("Evaluation mode switches gradients off, and this saves memory", False,
             "That is torch.no_grad(). eval() changes only what some layers do, such as batch "
             "normalisation and dropout."),
            ("Evaluation mode leaves batch normalisation out", False,
             "It still normalises, with the running mean and variance, and with γ and β."),
        ],
    ),
    "coins": Several(
        "A layer `nn.Dropout(0.5)` stands in a network. What is true?",
        [
            ("In training, what is not dropped is doubled", True,
             "It is divided by 1 − 0.5, so that the mean over many draws stays."),
            ("The layer learns which numbers it may drop", False,
             "It has no parameters; a coin decides anew in each step."),
            ("In evaluation mode it returns its input", True,
             "Nothing is dropped and nothing is scaled: training has scaled already."),
            ("In evaluation mode it halves its input", False,
             "The paper's version did so. PyTorch scales in training instead."),
        ],
    ),
    "labels_stay": Several(
        "Handwritten digits are to be read. Which of these changes leave the label true?",
        [
            ("Move the picture by one pixel", True,
             "A moved 3 is a 3, as long as nothing is cut off."),
            ("Mirror it, left becomes right", False,
             "A mirrored 2 or 7 is no digit; the network would learn an error."),
            ("Turn it by 180°", False, "A 6 becomes a 9: the label does not follow."),
            ("Turn it by 5°", True, "People write at such angles, too."),
            ("Make it a little brighter", True,
             "No digit becomes another one when the ink is darker or brighter."),
        ],
    ),
}  # fmt: skip

DEPTH = {
    "sizes": Order(
        "From the fewest parameters to the most:",
        ["LeNet-5 (5 layers)", "GoogLeNet (22 layers)", "AlexNet (8 layers)", "VGG-16 (16 layers)"],
        "0.06, 6.6, 61 and 138 million. Depth does not decide: most parameters are in large fully "
        "connected layers, and GoogLeNet has only a small one.",
    ),
    "field": Number(
        "Four 3 × 3 convolutions with stride 1 stand behind one another. How many pixels wide is "
        "the field of one output?",
        9,
        "pixels",
        "A pixel sees itself, and each layer adds one pixel on each side: 1 + 4 · 2 = 9.",
        mistakes={
            12: "The windows overlap: a layer adds 2 to the field, not 3.",
            8: "The field begins with 1, the pixel itself.",
            81: "That is 9 · 9, the pixels of the whole field. Its width is asked.",
            3: "That is the field of one layer.",
        },
    ),
    "depth": Question(
        "After the same training, a plain network of 44 layers has a higher error on the "
        "training pictures than one of 20 layers. What is this?",
        [
            ("Overfitting: 44 layers learn all the pictures by heart", False,
             "Then the training error would be low, and only the test error high."),
            ("Optimisation: training does not find good weights", True,
             "They exist: 24 more layers could pass on what they get, and the error would be that "
             "of 20. Training did not find this; a shortcut makes it easy."),
            ("A lack of parameters: 44 layers cannot express what 20 can", False,
             "It has more of them. It can do all that 20 layers can, if the others pass on "
             "what they get."),
            ("Bad luck with the choice of the test pictures", False,
             "No test picture takes part in the training error."),
        ],
    ),
    "projections": Several(
        "Which of these residual blocks need a projection in their shortcut?",
        [
            ("64 → 64 channels, stride 1", False, "x has the shape of F(x): it is added as it is."),
            ("64 → 128 channels, stride 2", True, "Both the channels and the map's size differ."),
            ("64 → 256 channels, stride 1", True,
             "The map keeps its size, but 64 maps cannot be added to 256."),
            ("64 → 64 channels, stride 2", True,
             "The channels are the same, but the map of F(x) is half as wide and high."),
        ],
    ),
    "three_blocks": Number(
        "Three residual blocks stand behind one another, and F′(x) = 0.1 in each. What is the "
        "derivative of the whole with respect to its input?",
        1.331,
        "",
        "Each block has the derivative 0.1 + 1, and derivatives of layers behind one another are "
        "multiplied: 1.1 · 1.1 · 1.1.",
        within=0.005,
        mistakes={
            0.001: "That is the plain network, 0.1³. Each block has a shortcut.",
            1.001: "The 1 comes in *each* block, before the product.",
            1.3: "Derivatives of layers behind one another are multiplied, not added.",
            3.3: "Derivatives of layers behind one another are multiplied, not added.",
            1.1: "That is one block; there are three.",
        },
    ),
}  # fmt: skip

LATER = {
    "gates": Question(
        "The gates of an SE block for one picture are 0.9, 0.8, 0.9 and 0.1. Their sum is 2.7. "
        "What is wrong?",
        [
            ("The softmax is missing: the gates must sum to 1", False,
             "With softmax the channels would compete: one could open only if others close. Here "
             "several may be important at once."),
            ("Nothing: each gate is a sigmoid of its own", True,
             "So the sum of C gates may be anything between 0 and C."),
            ("0.9 is there twice: only one channel may win", False,
             "Nobody has to win. Two channels may be equally useful for one picture."),
            ("A gate must be 0 or 1: open or closed", False,
             "A hard switch has no useful gradient. A sigmoid is soft, and can be learnt."),
        ],
    ),
    "recipe": Question(
        "A has 84 % with batch normalisation, B 73 % without. Which of the two *architectures* is "
        "better on these pictures?",
        [
            ("A: its accuracy is eleven points higher", False,
             "Batch normalisation alone moved the same network by as much as that."),
            ("B: it is handicapped, and has 73 % all the same", False,
             "Nothing of that is measured: B with batch normalisation was not trained."),
            ("That cannot be said: two things differ", True,
             "Train both with batch normalisation, and both without; then compare."),
            ("Neither: a difference of 11 points may be chance", False,
             "With the 95 objects of 3.5 it might be. Here there are thousands of test pictures."),
        ],
    ),
    "control": Question(
        "A linear probe is right for 95 % of the objects on ImageNet's features, and for 57 % on "
        "those of the same network with random weights. What are the 57 % good for?",
        [
            ("They show that random weights are useless here", False,
             "32 % would come by always answering 'bird', so they are not useless."),
            ("They show what the training on ImageNet added", True,
             "The network, the layer and the pictures are the same; only the weights differ."),
            ("They show that the probe was trained for too short a time", False,
             "The same layer, trained for as long, reaches 95 % on other features."),
            ("They show that 57 of 95 pictures are easy", False,
             "57 % is a share of pictures, and it depends on the features, too."),
        ],
    ),
}  # fmt: skip

QUESTIONS = FIRST_NETWORKS | DEPTH | LATER
