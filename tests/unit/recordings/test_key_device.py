"""Master keys in a real PKCS#11 token: what it wraps, what it refuses, and what is said while it is away."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from secrets import token_bytes

import pytest
from softhsm_token import PIN, SoftToken, soft_token

from core.errors import Invalid, Unavailable
from core.secrets import Secrets
from hotline import settings as of_instance
from recordings.settings import RecordingSettings
from recordings.store import token as tokens
from recordings.store.choose import masters_of
from recordings.store.device import DeviceMasters
from recordings.store.masters import AbsentMaster, CannotUnwrap, MasterKeys
from recordings.store.suite import Suite

DATA_KEY = bytes(range(32))
UNWRAP_OFTEN = """
import asyncio, sys
from pathlib import Path
from core.secrets import Secrets
from recordings.settings import Pkcs11Settings
from recordings.store.device import DeviceMasters

masters = DeviceMasters(Pkcs11Settings.model_validate_json(sys.argv[1]), Secrets(Path(sys.argv[2])))

async def main():
    for _ in range(200):
        assert await masters.unwrap(sys.argv[3], bytes.fromhex(sys.argv[4]), b"") == bytes(range(32))

asyncio.run(main())
"""


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftToken]:
    monkeypatch.setattr(tokens, "RETRY_S", 0.0)
    with soft_token(tmp_path / "device") as made:
        made.write_pin(tmp_path)
        yield made


def device(at: SoftToken, home: Path, **more: object) -> DeviceMasters:
    return DeviceMasters(at.settings(**more), Secrets(home / "secrets"))


async def said(masters: MasterKeys) -> str:
    with pytest.raises(Unavailable) as raised:
        await masters.known()
    return raised.value.message


async def test_what_it_wraps_it_unwraps_for_the_same_object_only(token: SoftToken, tmp_path: Path) -> None:
    masters = device(token, tmp_path)
    with pytest.raises(Unavailable, match="没有主密钥"):
        await masters.present()
    made = await masters.make()
    for suite in Suite:
        data_key = DATA_KEY[: suite.key_bytes]
        master_id, wrapped = await masters.wrap(data_key, b"one", suite)
        assert master_id == made and data_key not in wrapped
        assert await masters.unwrap(made, wrapped, b"one") == data_key
        changed = bytes([wrapped[20] ^ 1])
        for other, context in (
            (wrapped, b"another"),
            (wrapped[:20] + changed + wrapped[21:], b"one"),
            (wrapped[:-1], b"one"),
            (b"\x01" + wrapped[1:], b"one"),
            (b"", b"one"),
        ):
            with pytest.raises(CannotUnwrap, match=r"已损坏|不可识别"):
                await masters.unwrap(made, other, context)
        assert await masters.unwrap(made, wrapped, b"one") == data_key


async def test_a_new_key_is_used_at_once_by_all_and_old_ones_unwrap(token: SoftToken, tmp_path: Path) -> None:
    one, other = device(token, tmp_path), device(token, tmp_path)
    first = await one.make()
    _, wrapped = await other.wrap(DATA_KEY, b"", Suite.AES)
    second = await one.make()
    assert (await other.wrap(DATA_KEY, b"", Suite.AES))[0] == second == await other.present()
    assert await other.known() == {first, second}
    assert await other.unwrap(first, wrapped, b"") == DATA_KEY
    assert await device(token, tmp_path, key_label="another county's").known() == frozenset()


async def test_a_key_deleted_in_the_token_is_named_and_another_in_its_place_is_another(
    token: SoftToken, tmp_path: Path
) -> None:
    masters = device(token, tmp_path)
    made = await masters.make()
    _, wrapped = await masters.wrap(DATA_KEY, b"", Suite.AES)
    token.delete_key(1)
    with pytest.raises(AbsentMaster, match=f"缺少主密钥 {made}"):
        await masters.unwrap(made, wrapped, b"")
    token.make_key(1)
    assert await masters.present() != made
    with pytest.raises(AbsentMaster, match=f"缺少主密钥 {made}"):
        await masters.unwrap(made, wrapped, b"")


async def test_keys_that_an_administrator_made_serve_too(token: SoftToken, tmp_path: Path) -> None:
    token.make_key(7)
    masters = device(token, tmp_path)
    present = await masters.present()
    assert await masters.unwrap(*await masters.wrap(DATA_KEY, b"", Suite.AES), b"") == DATA_KEY
    assert await masters.make() == await masters.present() != present


async def test_a_device_that_is_away_is_said_and_opened_again_when_it_is_back(token: SoftToken, tmp_path: Path) -> None:
    masters = device(token, tmp_path)
    made = await masters.make()
    _, wrapped = await masters.wrap(DATA_KEY, b"", Suite.AES)
    for _ in range(2):
        token.unplug()
        for work in (
            masters.unwrap(made, wrapped, b""),
            masters.wrap(DATA_KEY, b"", Suite.AES),
            masters.known(),
            masters.unwrap(made, wrapped, b""),
        ):
            with pytest.raises(Unavailable, match=f"密码设备“{token.label}”"):
                await work
        token.plug_in()
        assert await masters.unwrap(made, wrapped, b"") == DATA_KEY
    token.unplug()
    token.plug_in()
    assert await masters.unwrap(made, wrapped, b"") == DATA_KEY
    assert await masters.present() == made


async def test_what_is_wrong_with_the_way_to_the_device_is_said(token: SoftToken, tmp_path: Path) -> None:
    assert "找不到" in await said(device(token, tmp_path, token="another's"))
    assert "无法加载密码设备的驱动 /nowhere.so" in await said(device(token, tmp_path, module="/nowhere.so"))
    assert "无法加载密码设备的驱动" in await said(device(token, tmp_path, module=token.hsm.util))
    assert "secrets/another-pin" in await said(device(token, tmp_path, pin_name="another-pin"))
    assert await device(token, tmp_path, pin=PIN, pin_name="another-pin").known() == frozenset()


async def test_a_wrong_pin_is_tried_once_and_the_right_one_at_once(
    token: SoftToken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    opens = tokens._Driver.open

    def counted(driver: tokens._Driver, label: str, pin: str) -> object:
        tried.append(pin)
        return opens(driver, label, pin)

    monkeypatch.setattr(tokens._Driver, "open", counted)
    masters = device(token, tmp_path)
    token.write_pin(tmp_path, "000000")
    with pytest.raises(Unavailable, match=r"找不到|PIN"):
        await masters.known()
    for _ in range(3):
        assert await said(masters) == f"密码设备“{token.label}”的 PIN 不正确。"
    assert tried.count("000000") <= 2  # a driver that did not know the new token starts again before the PIN is asked
    token.write_pin(tmp_path)
    assert await masters.known() == frozenset()


async def test_a_driver_that_never_answers_holds_nobody_up(
    token: SoftToken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    masters, began, answers = device(token, tmp_path), threading.Event(), threading.Event()
    assert await masters.known() == frozenset()
    monkeypatch.setattr(tokens, "ANSWER_S", 0.2)

    def mute(session: object) -> None:
        began.set()
        answers.wait(60)

    waiting = asyncio.create_task(masters._token.ask(mute))
    try:
        await asyncio.to_thread(began.wait, 60)
        assert "没有应答" in await said(masters)
        with pytest.raises(Unavailable, match="没有应答"):
            await waiting
        driver = tokens._driver(str(token.hsm.module))
        assert driver.stuck() and "没有应答" in await said(masters)
    finally:
        answers.set()
    await asyncio.to_thread(driver.submit(lambda: None).result, 60)
    monkeypatch.setattr(tokens, "ANSWER_S", 10.0)
    assert await masters.known() == frozenset()


async def test_many_tasks_and_threads_share_one_session(token: SoftToken, tmp_path: Path) -> None:
    masters = device(token, tmp_path)
    await masters.make()
    keys = [token_bytes(32) for _ in range(50)]
    wrapped = await asyncio.gather(*(masters.wrap(key, b"", Suite.AES) for key in keys))
    plain = await asyncio.gather(*(asyncio.to_thread(asyncio.run, masters.unwrap(*one, b"")) for one in wrapped))
    assert list(plain) == keys


async def test_two_processes_and_a_fork_use_it_at_once(token: SoftToken, tmp_path: Path) -> None:
    masters = device(token, tmp_path)
    made = await masters.make()
    _, wrapped = await masters.wrap(DATA_KEY, b"", Suite.AES)
    given = [token.settings().model_dump_json(), str(tmp_path / "secrets"), made, wrapped.hex()]
    others = [await asyncio.create_subprocess_exec(sys.executable, "-c", UNWRAP_OFTEN, *given) for _ in range(2)]
    child = os.fork()
    if child == 0:
        os._exit(asyncio.new_event_loop().run_until_complete(_forked(masters, made, wrapped)))
    for _ in range(200):
        assert await masters.unwrap(made, wrapped, b"") == DATA_KEY
    assert [await other.wait() for other in others] == [0, 0]
    assert (await asyncio.to_thread(os.waitpid, child, 0))[1] == 0
    assert await masters.unwrap(made, wrapped, b"") == DATA_KEY


async def _forked(masters: DeviceMasters, made: str, wrapped: bytes) -> int:
    same = [await masters.unwrap(made, wrapped, b"") == DATA_KEY for _ in range(20)]
    return int(not all(same))


async def test_a_key_that_does_not_do_its_work_is_removed_again(
    token: SoftToken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    masters = device(token, tmp_path)
    made = await masters.make()
    monkeypatch.setattr("recordings.store.device._refuses", lambda work: False)
    with pytest.raises(Unavailable, match="与标准不符"):
        await masters.make()
    assert await masters.known() == {made}


async def test_files_and_devices_unwrap_side_by_side(token: SoftToken, tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets")
    files = masters_of(RecordingSettings(), secrets)
    of_files = await files.wrap(DATA_KEY, b"", Suite.AES)
    both = masters_of(RecordingSettings(pkcs11=token.settings()), secrets)
    made = await both.make()
    of_device = await both.wrap(DATA_KEY, b"", Suite.AES)
    back = masters_of(RecordingSettings(pkcs11_former=token.settings()), secrets)
    for masters, present in ((both, made), (back, of_files[0])):
        assert await masters.present() == present and await masters.known() == {of_files[0], made}
        for one in (of_files, of_device):
            assert await masters.unwrap(*one, b"") == DATA_KEY
        with pytest.raises(AbsentMaster):
            await masters.unwrap("ab" * 8, of_device[1], b"")
    with pytest.raises(AbsentMaster):
        await files.unwrap(*of_device, b"")
    token.unplug()
    assert await both.unwrap(*of_files, b"") == DATA_KEY
    with pytest.raises(Unavailable):
        await both.unwrap(*of_device, b"")


def test_the_pin_stands_in_no_settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_HOME", str(tmp_path))
    section = '[recordings.pkcs11]\nmodule = "/usr/lib/softhsm/libsofthsm2.so"\ntoken = "hotline"\n'
    (tmp_path / "hotline.toml").write_text(f'{section}pin = "1234"\n')
    with pytest.raises(Invalid, match=r"recordings\.pkcs11\.pin 不能写在 hotline.toml 中"):
        of_instance.load()
    (tmp_path / "hotline.toml").write_text(section)
    monkeypatch.setenv("HOTLINE_RECORDINGS__PKCS11__PIN", "1234")
    found = of_instance.load().recordings.pkcs11
    assert found and found.pin == "1234" and "1234" not in repr(found)


def test_nothing_of_it_is_loaded_where_no_device_is_set_up(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom core.secrets import Secrets\n"
        "from recordings.settings import RecordingSettings\nfrom recordings.store.choose import masters_of\n"
        "masters_of(RecordingSettings(), Secrets(Path(sys.argv[1])))\nassert 'pkcs11' not in sys.modules\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == 0
