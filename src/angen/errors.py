"""What can go wrong that a person can put right.

AngenError
├── BadInput        a file, value or request cannot be used as it is
│   ├── Unknown     there is nothing of that name
│   └── Taken       the name is taken, or the thing is in use
├── MissingWeights  a model part is not on this machine
├── Incompatible    two things do not belong together: adapter and base, encoder and decoder
├── OutOfSpace      the disk is full
└── Stopped         the user asked to stop; what was done is saved
"""


class AngenError(Exception):
    """A fault whose message says what was wrong and what to do; shown without a traceback."""


class BadInput(AngenError):
    """A file, value or request cannot be used as it is."""


class Unknown(BadInput):
    """There is nothing of that name; the message says what there is."""


class Taken(BadInput):
    """The name is taken, or the thing is in use just now."""


class MissingWeights(AngenError):
    """A model part is not on this machine; the message says how to get it."""


class Incompatible(AngenError):
    """Two things do not belong together, or one of them is damaged."""


class OutOfSpace(AngenError):
    """The disk is full; nothing half-written was left behind."""


class Stopped(AngenError):
    """The user asked to stop; the message says what was saved and how to go on."""
