"""Answers made once for each state of the queue."""

import time
from concurrent.futures import ThreadPoolExecutor

from pydantic import BaseModel

from angen.api.remember import MOST, Remembered


class Number(BaseModel):
    number: int


class Queue:
    """Counts how often it is read."""

    def __init__(self) -> None:
        self.revision = 0
        self.read = 0

    def number(self) -> dict[str, int]:
        self.read += 1
        return {"number": self.read}


def _asked(memory: Remembered, queue: Queue, question: str = "q") -> bytes:
    return bytes(memory.answer(question, Number, queue.number).body)


def test_same_question_is_answered_from_memory_until_the_queue_changes() -> None:
    queue = Queue()
    memory = Remembered(lambda: queue.revision)
    assert _asked(memory, queue) == _asked(memory, queue) == b'{"number":1}'
    assert _asked(memory, queue, "other") == b'{"number":2}'
    queue.revision += 1
    assert _asked(memory, queue) == b'{"number":3}'


def test_many_who_ask_at_once_cost_one_answer() -> None:
    queue = Queue()
    memory = Remembered(lambda: queue.revision, keep_s=60)

    def slowly() -> dict[str, int]:
        time.sleep(0.2)
        return queue.number()

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(memory.answer, "q", Number, slowly) for _ in range(8)]
        assert {bytes(one.result().body) for one in asked} == {b'{"number":1}'}


def test_answer_grows_old() -> None:
    queue = Queue()
    memory = Remembered(lambda: queue.revision, keep_s=0.01)
    _asked(memory, queue)
    time.sleep(0.02)
    assert _asked(memory, queue) == b'{"number":2}'


def test_memory_is_bounded() -> None:
    queue = Queue()
    memory = Remembered(lambda: queue.revision)
    for number in range(3 * MOST):
        _asked(memory, queue, str(number))
    assert len(memory._answers) <= MOST
