"""Events for many listeners."""

import asyncio
from dataclasses import dataclass

from angen.api.feed import BREATH, Feed
from angen.errors import Unknown


@dataclass
class Event:
    number: int


class Source:
    """A job whose events come when the test says so."""

    def __init__(self, *numbers: int) -> None:
        self.all = [Event(number) for number in numbers]
        self.over = False
        self.looks = self.read = 0

    def events(self, job: str, after: int, limit: int) -> list[Event]:
        self.looks += 1
        page = [event for event in self.all if event.number > after][:limit]
        self.read += len(page)
        return page

    def is_over(self, job: str) -> bool:
        return self.over


async def _heard(feed: Feed[Event], after: int = 0) -> list[int]:
    return [event.number async for event in feed.listen("job", after) if event]


def test_listener_gets_what_was_before_and_what_comes_until_the_job_is_over() -> None:
    async def main() -> list[int]:
        source = Source(1, 2, 3)
        feed = Feed(source.events, source.is_over, look_s=0.01)
        task = asyncio.create_task(_heard(feed, after=1))
        await asyncio.sleep(0.05)
        source.all += [Event(4), Event(7)]  # numbers may have gaps
        await asyncio.sleep(0.05)
        source.all.append(Event(8))
        source.over = True
        return await asyncio.wait_for(task, 5)

    assert asyncio.run(main()) == [2, 3, 4, 7, 8]


def test_many_listeners_look_at_the_store_as_often_as_one() -> None:
    async def main(listeners: int) -> tuple[int, list[list[int]]]:
        source = Source(1, 2)
        feed = Feed(source.events, source.is_over, look_s=0.02)
        tasks = [asyncio.create_task(_heard(feed)) for _ in range(listeners)]
        await asyncio.sleep(0.2)
        source.over = True
        return source.looks, await asyncio.wait_for(asyncio.gather(*tasks), 5)

    looks, heard = asyncio.run(main(30))
    assert heard == [[1, 2]] * 30
    assert looks < 15


def test_listener_far_behind_reads_from_the_store() -> None:
    async def main() -> list[int]:
        source = Source(*range(1, 6_001))
        feed = Feed(source.events, source.is_over, look_s=0.01)
        ahead = asyncio.create_task(_heard(feed))
        await asyncio.sleep(0.5)
        late = asyncio.create_task(_heard(feed, after=10))
        await asyncio.sleep(0.2)
        source.over = True
        assert await asyncio.wait_for(ahead, 5) == list(range(1, 6_001))
        return await asyncio.wait_for(late, 5)

    assert asyncio.run(main()) == list(range(11, 6_001))


def test_who_goes_on_does_not_have_the_past_read_again() -> None:
    async def main() -> tuple[int, list[int], list[int]]:
        source = Source(*range(1, 5_001))
        feed = Feed(source.events, source.is_over, look_s=0.01)
        first = asyncio.create_task(_heard(feed, after=4_990))
        await asyncio.sleep(0.1)
        read = source.read
        late = asyncio.create_task(_heard(feed, after=4_000))
        await asyncio.sleep(0.1)
        source.all.append(Event(5_001))
        source.over = True
        return read, await asyncio.wait_for(first, 5), await asyncio.wait_for(late, 5)

    read, first, late = asyncio.run(main())
    assert read < 20
    assert first == list(range(4_991, 5_002))
    assert late == list(range(4_001, 5_002))


def test_who_knows_more_than_has_been_keeps_nobody_from_the_news() -> None:
    async def main() -> tuple[list[int], list[int]]:
        source = Source(1, 2)
        feed = Feed(source.events, source.is_over, look_s=0.01)
        odd = asyncio.create_task(_heard(feed, after=900))
        await asyncio.sleep(0.05)
        usual = asyncio.create_task(_heard(feed))
        await asyncio.sleep(0.05)
        source.all.append(Event(3))
        source.over = True
        return await asyncio.wait_for(odd, 5), await asyncio.wait_for(usual, 5)

    assert asyncio.run(main()) == ([], [1, 2, 3])


def test_a_long_past_lets_others_have_their_turn() -> None:
    async def main() -> int:
        feed = Feed(Source(*range(1, 401)).events, lambda job: True, look_s=0.01)
        heard = longest = 0

        async def listen() -> None:
            nonlocal heard
            async for _ in feed.listen("job"):
                heard += 1

        tasks = [asyncio.create_task(listen()) for _ in range(5)]
        while heard < 5 * 400:
            before = heard
            await asyncio.sleep(0)
            longest = max(longest, heard - before)
        await asyncio.gather(*tasks)
        return longest

    assert 0 < asyncio.run(asyncio.wait_for(main(), 10)) <= 5 * BREATH


def test_silence_is_filled_with_heartbeats() -> None:
    async def main() -> list[object]:
        source = Source()
        feed = Feed(source.events, source.is_over, look_s=0.01)
        heard: list[object] = []
        async for event in feed.listen("job", heartbeat_s=0.02):
            heard.append(event)
            if len(heard) == 3:
                source.all.append(Event(1))
                source.over = True
        return heard

    heard = asyncio.run(main())
    assert heard[:3] == [None] * 3
    assert heard[-1] == Event(1)


def test_closing_lets_every_listener_go() -> None:
    async def main() -> list[int]:
        source = Source(1)
        feed = Feed(source.events, source.is_over, look_s=0.01)
        task = asyncio.create_task(_heard(feed))
        await asyncio.sleep(0.05)
        feed.close()
        return await asyncio.wait_for(task, 5)

    assert asyncio.run(main()) == [1]


def test_job_that_is_forgotten_ends_its_feed() -> None:
    def gone(job: str) -> bool:
        raise Unknown("There is no such job.")

    source = Source(1)
    assert asyncio.run(_heard(Feed(source.events, gone, look_s=0.01))) == []
