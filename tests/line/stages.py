"""Four calls, one in each stage, so that one fault meets them all: talk, wrap-up, queue, notice."""

import asyncio
from dataclasses import dataclass
from typing import Self

from aftermath import WORDS, served
from instance import Instance
from ringing import until

from core.actor import Actor
from hotline.softphone import Softphone


@dataclass
class Stages:
    """One agent talks, the other wraps up; one citizen waits in the queue, one hears the notice."""

    instance: Instance
    desks: dict[str, Actor]
    talk: Softphone
    wrap_up: Softphone
    queue: Softphone
    notice: Softphone
    busy: str
    """Extension of the agent who talks."""
    resting: str
    """Extension of the agent who wraps up."""

    @classmethod
    async def set(cls, instance: Instance, first: int) -> Self:
        """Place the calls, from `first` and the three numbers after it; returns while the notice is heard."""
        numbers = [str(first + i) for i in range(4)]
        desks = {"1001": await instance.desk("agent1"), "1002": await instance.desk("agent2")}
        talk, wrap_up = await asyncio.gather(*(instance.rings(number) for number in numbers[:2]))
        for number in numbers[:2]:
            await until(lambda n=number: instance.talks(n), f"{number} talks")  # type: ignore[misc]
        await asyncio.gather(instance.says(talk, WORDS), instance.says(wrap_up, WORDS))
        busy, resting = [(await instance.call(number, "agent_extension")).agent_extension for number in numbers[:2]]
        assert {busy, resting} == set(desks)
        queue = await instance.rings(numbers[2])
        await until(lambda: instance.waits(numbers[2]), "one waits in the queue")
        await wrap_up.hang_up()
        await until(lambda: instance.wraps_up(str(resting)), "one agent wraps up")
        notice = await instance.rings(numbers[3])
        stages = cls(instance, desks, talk, wrap_up, queue, notice, str(busy), str(resting))
        assert (await instance.stands(numbers[3])).startswith("hotline-greeting!")
        assert await instance.talks(numbers[0])
        assert await instance.waits(numbers[2])
        assert await instance.wraps_up(stages.resting)
        return stages

    async def queue_is_served(self) -> None:
        """The talk ends; its agent talks with who waited, and who heard the notice waits."""
        await self.talk.hang_up()
        await until(lambda: self.instance.talks(self.queue.user), "the agent talks with who waited")
        await until(lambda: self.instance.waits(self.notice.user), "who heard the notice waits in the queue")
        await self.instance.says(self.queue, WORDS)

    async def notice_is_served(self) -> None:
        """Who heard the notice talks, too."""
        await until(lambda: self.instance.talks(self.notice.user), "who heard the notice talks")
        await self.instance.says(self.notice, WORDS)

    async def nothing_is_lost(self) -> None:
        """All have hung up: each call is one complete record with its recording and its draft."""
        await self.queue.hang_up()
        await self.notice.hang_up()
        agents = (self.desks[self.busy], self.desks[self.resting])
        await served(self.instance, self.talk.user, agents[0])
        await served(self.instance, self.wrap_up.user, agents[1])
        await served(self.instance, self.queue.user, agents[0])
        await served(self.instance, self.notice.user, *agents)
