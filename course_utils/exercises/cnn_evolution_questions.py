"""Questions of chapter 3: each option with its reason."""

from course_utils.exercises.engine import Question

QUESTIONS = {
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
            ("Partly: fourth place counts as a part of an error", False,
             "A picture is right or wrong. The error is the share of wrong pictures."),
        ],
    ),
    "depth": Question(
        "After the same training, a plain network of 44 layers has a higher error on the "
        "training pictures than one of 20 layers. What is this?",
        [
            ("Overfitting: 44 layers learn the pictures by heart", False,
             "Then the training error would be low, and only the test error high."),
            ("A problem of optimisation: good weights exist, and training does not find them", True,
             "24 more layers could pass on what they get, and the error would be that of 20. "
             "Training did not find this; a shortcut makes it easy."),
            ("A lack of parameters: 44 layers cannot express what 20 can", False,
             "It has more of them. It can do all that 20 layers can, if the others pass on "
             "what they get."),
            ("Bad luck with the test pictures", False,
             "No test picture takes part in the training error."),
        ],
    ),
    "modes": Question(
        "A trained network with batch normalisation has to classify one single picture. Why must "
        "it be in evaluation mode?",
        [
            ("In training mode each call would change the weights", False,
             "Weights change only in the optimiser's step. (The running mean and variance would "
             "change, though.)"),
            ("In training mode the picture would be normalised by its own mean and variance", True,
             "The batch is this one picture: every channel is moved to the same mean, so what was "
             "bright or dark is lost. The running values are those that the network learnt with."),
            ("Evaluation mode switches gradients off, and this saves memory", False,
             "That is torch.no_grad(). eval() changes only what some layers do, such as batch "
             "normalisation and dropout."),
            ("Evaluation mode leaves batch normalisation out", False,
             "It still normalises, with the running mean and variance, and with γ and β."),
        ],
    ),
    "gates": Question(
        "The gates of an SE block for one picture are 0.9, 0.8, 0.9 and 0.1. Their sum is 2.7. "
        "What is wrong?",
        [
            ("They must sum to 1: the softmax is missing", False,
             "With softmax the channels would compete: one could open only if others close. Here "
             "several may be important at once."),
            ("Nothing: each gate is a sigmoid of its own, between 0 and 1", True,
             "So the sum of C gates may be anything between 0 and C."),
            ("0.9 is there twice: only one channel may win", False,
             "Nobody has to win. Two channels may be equally useful for one picture."),
            ("A gate must be 0 or 1: open or closed", False,
             "A hard switch has no useful gradient. A sigmoid is soft, and can be learnt."),
        ],
    ),
}  # fmt: skip
