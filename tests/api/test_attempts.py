"""Who guesses passwords waits longer and longer."""

import pytest

from angen.api.attempts import FREE, FREE_TOGETHER, MAX_WAIT_S, Attempts


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def wrong(attempts: Attempts, address: str, times: int) -> None:
    for _ in range(times):
        attempts.wrong(address)


def test_a_few_wrong_ones_cost_nothing() -> None:
    attempts = Attempts(Clock())
    wrong(attempts, "1.2.3.4", FREE - 1)
    assert attempts.wait_s("1.2.3.4") == 0


@pytest.mark.parametrize(("more", "wait_s"), [(0, 1), (1, 2), (2, 4), (50, MAX_WAIT_S)])
def test_each_further_one_doubles_the_wait(more: int, wait_s: float) -> None:
    clock = Clock()
    attempts = Attempts(clock)
    wrong(attempts, "1.2.3.4", FREE + more)
    assert attempts.wait_s("1.2.3.4") == wait_s
    assert attempts.wait_s("1.2.3.5") == 0
    clock.now += wait_s
    assert attempts.wait_s("1.2.3.4") == 0


def test_right_one_clears_the_count() -> None:
    attempts = Attempts(Clock())
    wrong(attempts, "1.2.3.4", FREE - 1)
    attempts.right("1.2.3.4")
    attempts.wrong("1.2.3.4")
    assert attempts.wait_s("1.2.3.4") == 0


def test_addresses_of_one_household_count_together() -> None:
    attempts = Attempts(Clock())
    for number in range(FREE):
        attempts.wrong(f"2001:db8::{number:x}")
    assert attempts.wait_s("2001:db8::ffff") > 0
    assert attempts.wait_s("2001:db8:0:1::1") == 0


def test_many_addresses_together_wait_but_not_who_knows_the_password() -> None:
    attempts = Attempts(Clock())
    attempts.right("9.9.9.9")
    for number in range(FREE_TOGETHER):
        attempts.wrong(f"10.0.{number // 250}.{number % 250}")
    assert attempts.wait_s("8.8.8.8") > 0
    assert attempts.wait_s("9.9.9.9") == 0


def test_after_an_hour_all_is_forgotten() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    wrong(attempts, "1.2.3.4", 50)
    clock.now = 4000
    attempts.wrong("1.2.3.4")
    assert attempts.wait_s("1.2.3.4") == 0
