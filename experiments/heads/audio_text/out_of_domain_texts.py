"""Texts about what is not in the training clips: places, things, people, sounds of other kinds.

They are our own, apart from the names of ImageNet's classes that are neither animals nor audible in the
clips.
"""

from __future__ import annotations

import re

from encoders.efficientnet import load_imagenet_labels
from experiments.heads.audio_text.prompts import add_article
from retrieval.search.calibration import BACKGROUND_SENTENCES

OTHER_SOUNDS = (
    "rain falling on a roof", "a car engine", "thunder", "a violin", "footsteps",
    "a telephone ringing", "applause", "wind in the trees", "waves on the shore",
    "a train passing", "a siren", "a door closing", "glass breaking", "a helicopter", "keyboard typing",
    "water running", "fireworks", "an engine starting", "a washing machine", "a hammer on metal",
    "coins falling on a table", "an alarm clock", "a whistle", "a saw cutting wood", "a kettle boiling",
)  # fmt: skip

OTHER_THINGS = (
    "a mountain lake", "a city street at night", "a bicycle", "a plate of food", "the stock market",
    "a mathematical proof", "a yellow flower", "people in a park", "a football match", "a kitchen table",
    "snow on a roof", "a wedding dress", "a laptop computer", "a bridge over a river",
    "a boy riding a skateboard", "a politician", "the colour blue", "a bowl of fruit", "an old castle",
    "a swimming pool", "economics", "a map of Europe", "a desert", "a person climbing a rock", "the moon",
    "a pair of shoes", "a red apple", "hello", "something", "2024", "a photo", "a video", "how to fix a bike",
    "nothing", "a picture of a house", "yesterday", "an interesting question", "my holiday", "the year 1990",
    "press-ups", "stretching the legs", "lifting weights in a gym", "riding an exercise bike", "a yoga pose",
    "jumping jacks", "running on a treadmill", "sit-ups on a mat", "a dumbbell curl", "swimming lengths",
)  # fmt: skip

EVERYDAY_SENTENCES = (
    "a man in a blue shirt standing on a ladder", "a woman sitting on a park bench",
    "two men are playing cards at a table", "a group of people waiting for a bus",
    "a little girl in a pink dress is running over the grass", "a boy jumps into a swimming pool",
    "people are eating in a restaurant", "a man wearing a helmet rides a motorbike",
    "a cyclist rides down a steep hill", "a child is playing in the sand",
    "three women are walking along the street", "a skier in the air above the snow",
    "a man is cooking over an open fire", "a boy in a red jacket throws a snowball",
    "a climber hangs from a cliff", "a crowd of people at a market",
    "a young woman is looking at her phone", "an elderly couple walking hand in hand",
    "a surfer rides a large wave", "a girl on a swing laughs at the camera",
    "a man holding a camera in front of a building", "children are playing football in a field",
    "a player in a white shirt kicks the ball", "a tennis player hits the ball",
    "a basketball player jumps towards the basket", "a person in a yellow coat is fishing",
    "two boys are wrestling on the floor", "a baby is sitting in a high chair",
    "a woman in a black dress is dancing", "a man is sleeping on a bench",
    "a worker is painting a wall", "a tourist takes a picture of a statue",
    "a family is having a picnic under a tree", "a man is reading a book on a train",
    "a woman is pushing a pram", "two people are sitting in a canoe",
    "a boy slides down a water slide", "a girl is blowing soap bubbles",
    "a man in a suit crosses the street", "a chef is slicing vegetables",
    "a person walks through deep snow", "hikers on a narrow mountain path",
    "a boat sails across a calm lake", "a racing car goes round a bend",
    "a man does a trick on a skateboard", "teenagers are sitting on the steps",
    "a person is standing on top of a mountain", "a child with a painted face",
    "a bride and groom in front of a church", "runners at the start of a race",
    "a hockey player falls on the ice", "a gymnast on the parallel bars",
    "a woman is buying flowers", "a man is climbing a tree",
    "a toddler is wearing sunglasses", "people are sunbathing on a beach",
    "a man in an orange vest is digging a hole", "a waitress carries two plates",
    "a student is writing on a blackboard", "a fireman holds a hose",
    "a policeman directs the traffic", "a soldier in uniform",
    "a girl is doing a handstand", "a boy is holding a stick",
    "a lady with a large hat", "a person in a wheelchair on the pavement",
    "an old woman is knitting", "a man is shaving in front of a mirror",
    "a tall building made of glass", "a narrow street in an old town",
    "a wooden house by the sea", "a lighthouse on a rock", "a garden full of roses",
    "a stone wall covered with ivy", "a broken window", "an empty car park", "a petrol station",
    "a green valley with a river", "clouds over the mountains", "a rainbow after the rain",
    "a frozen waterfall", "a cactus in a pot", "leaves on the ground in autumn", "a wheat field in summer",
    "a volcano", "an island seen from above", "a cave with a lake", "a sandy path through the woods",
    "a slice of bread with cheese", "a basket of eggs", "a bottle of water", "a glass of milk",
    "fried potatoes on a plate", "a pan on the stove", "a birthday present", "an open suitcase",
    "a grey sweater", "a leather sofa", "a lamp beside the bed", "a shelf with toys", "a bunch of keys",
    "a pair of glasses", "an envelope with a stamp", "a ticket for the cinema", "a traffic light",
    "a shopping trolley", "a screwdriver", "a coin from ancient Rome", "a chess board", "a globe",
    "the president gave a long interview", "prices rose by two per cent last month",
    "the meeting has been moved to Thursday", "where is the nearest chemist", "a recipe for pancakes",
    "the history of the Roman empire", "the capital of Portugal", "how plants turn light into sugar",
    "a contract of employment", "a bus timetable", "a poem about the sea", "a theory of gravity",
)  # fmt: skip

FIRST_NON_ANIMAL_CLASS = 398  # ImageNet's classes before this one are animals
AUDIBLE_CLASS_PATTERN = re.compile(
    r"piano|upright|organ|accordion|harmonica|microphone|cowboy|chime|drum|guitar|bell cote|gong"
)
AUDIBLE_SENTENCE_PATTERN = re.compile(r"\b(dogs?|cats?|birds?|horse|spider|laughing)\b")


def list_out_of_domain_texts() -> list[str]:
    """About 900 texts, none of which matches a training clip, each once."""
    return list(
        dict.fromkeys(
            (
                *OTHER_SOUNDS,
                *OTHER_THINGS,
                *EVERYDAY_SENTENCES,
                *_list_silent_sentences(),
                *list_class_names(),
            )
        )
    )


def list_class_names() -> list[str]:
    """ImageNet's classes that are neither animals nor audible in the clips, such as "an abacus"."""
    return [
        add_article(name.lower())
        for name in load_imagenet_labels()[FIRST_NON_ANIMAL_CLASS:]
        if not AUDIBLE_CLASS_PATTERN.search(name.lower())
    ]


def _list_silent_sentences() -> list[str]:
    return [sentence for sentence in BACKGROUND_SENTENCES if not AUDIBLE_SENTENCE_PATTERN.search(sentence)]
