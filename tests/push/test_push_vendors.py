"""The push senders of the mainland vendors and the robots, each held to the contract."""

from __future__ import annotations

from collections.abc import Sequence

from push.app.calls import Dialect
from push.app.honor import HonorDialect
from push.app.huawei import HARMONY, HuaweiDialect
from push.app.oppo import OppoDialect
from push.app.robots import RobotDialect
from push.app.robots.account import Kind
from push.app.sender import Accepted, Deferred, Outcome, Push
from push.app.simulator.far import Keys
from push.app.vivo import VivoDialect
from push.app.xiaomi import XiaomiDialect
from tests.push import push_world
from tests.push.push_contract import PushContract


class TestHuawei(PushContract):
    """Android: OAuth2 and v1."""

    vendor = "huawei"
    has_quota = False

    def dialect(self, url: str, keys: Keys) -> Dialect:
        """Towards the simulator."""
        return HuaweiDialect(push_world.huawei(url, keys))


class TestHarmony(PushContract):
    """HarmonyOS 5: a JWT of our own and v3."""

    vendor = "huawei"
    has_quota = False
    has_token = False

    def dialect(self, url: str, keys: Keys) -> Dialect:
        """Towards the simulator."""
        return HuaweiDialect(push_world.huawei(url, keys, harmony=True))

    def token(self, name: str) -> str:
        """As such a device is registered."""
        return f"{HARMONY}{name}"

    async def test_a_wrong_secret_is_an_alarm(self) -> None:
        """There is no secret: the service account's key is looked at in test_huawei.py."""

    async def test_an_old_token_is_renewed_once(self) -> None:
        """A JWT that is declared old is signed anew and the push sent again."""
        async with self.world('cases = [{at = [1], answer = "expire"}]') as (sender, office):
            assert isinstance(await self.one(sender), Accepted)
            assert self.requests(office) == 2


class TestXiaomi(PushContract):
    """A secret in a header; dead devices come as receipts."""

    vendor = "xiaomi"
    tells_dead = False
    has_token = False

    def dialect(self, url: str, keys: Keys) -> Dialect:
        """Towards the simulator."""
        return XiaomiDialect(push_world.xiaomi(url, keys))


class TestOppo(PushContract):
    """A token, and a text of its own for each device of a batch."""

    vendor = "oppo"

    def dialect(self, url: str, keys: Keys) -> Dialect:
        """Towards the simulator."""
        return OppoDialect(push_world.oppo(url, keys))


class TestVivo(PushContract):
    """A token, one device a call."""

    vendor = "vivo"

    def dialect(self, url: str, keys: Keys) -> Dialect:
        """Towards the simulator."""
        return VivoDialect(push_world.vivo(url, keys))


class TestHonor(PushContract):
    """OAuth2, one body for all."""

    vendor = "honor"
    has_quota = False

    def dialect(self, url: str, keys: Keys) -> Dialect:
        """Towards the simulator."""
        return HonorDialect(push_world.honor(url, keys))


class Robots(PushContract):
    """The robots of one vendor; its subclasses say which."""

    tells_dead = False
    has_quota = False
    has_token = False
    many = 16
    kind: Kind

    def dialect(self, url: str, keys: Keys) -> Dialect:
        """Towards the simulator, with robots of every name the contract uses."""
        names = [f"device{n}" for n in range(30)] + [f"d{n}" for n in range(30)]
        names += [f"b{batch}d{n}" for batch in range(30) for n in range(2)]
        names += ["a", "b", "c", "dead1", "dead2"]
        return RobotDialect(push_world.robots(self.kind, url, keys, tuple(names)))

    def check_storm(self, pushes: Sequence[Push], outcomes: Sequence[Outcome], taken: Sequence[str]) -> None:
        """A group has no devices to compare: nothing accepted that was not taken."""
        assert len(outcomes) == len(pushes)
        assert sum(isinstance(one, Accepted) for one in outcomes) <= len(taken)

    async def test_a_robot_speaks_twenty_times_a_minute(self) -> None:
        """The twenty-first message of one robot is put off here, before the vendor silences it for ten minutes."""
        async with self.world() as (sender, office):
            told = [await self.one(sender, id=f"n{number}") for number in range(22)]
            assert [type(one) for one in told] == [Accepted] * 20 + [Deferred] * 2
            last = told[-1]
            assert isinstance(last, Deferred)
            assert last.after_s is not None
            assert 0 < last.after_s <= 60
            assert self.requests(office) == 20


class TestWeCom(Robots):
    """A key in the address."""

    vendor = "wecom"
    kind: Kind = "wecom"


class TestDingTalk(Robots):
    """A signature in the address."""

    vendor = "dingtalk"
    kind: Kind = "dingtalk"


class TestFeishu(Robots):
    """A signature in the body."""

    vendor = "feishu"
    kind: Kind = "feishu"
