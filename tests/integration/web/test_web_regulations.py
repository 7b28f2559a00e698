"""依据库 in the browser: documents, articles, versions that stay, and rules that lead to them."""

from collections.abc import Callable

import aiohttp
import pytest
from web_desk import Desk, signed_in

from core.db import Database
from core.permissions import Role


@pytest.mark.proves("F01-1")
async def test_documents_articles_and_a_further_version(db: Database, serve: Callable[[], Desk], lead: Desk) -> None:
    page = await (await lead.get("/regulations")).text()
    assert "国办发〔2020〕53号" in page and "饶府办字〔2023〕3号" in page and page.count("待录入") == 3
    own = await (await lead.get("/regulations/yiyang-51")).text()
    assert 'id="第十三条"' in own and "依据本条的" in own and "录入新版本" not in own
    rules = await (await lead.get("/policy")).text()
    assert 'href="/regulations/yiyang-51#第十三条"' in rules and "2023年6月5日" in rules
    bureau = await signed_in(db, serve(), "bureau", Role.SUPERVISOR)
    given = {
        "title": "上饶市12345政务服务便民热线运行管理暂行办法",
        "number": "饶府办字〔2023〕3号",
        "issuer": "上饶市人民政府办公室",
        "text": "第一条 为规范热线。\n第二条 即时办理。",
        "note": "市政务服务办提供的复印件",
    }
    refused = await bureau.post("/regulations/rao-3/versions", given, headers={"Accept": "application/problem+json"})
    assert refused.status == 422 and "effective_from" in (await refused.json(content_type=None))["fields"]
    done = await bureau.post("/regulations/rao-3/versions", given | {"effective_from": "2023-02-01"})
    assert done.status == 303, await done.text()
    text = await (await bureau.get("/regulations/rao-3")).text()
    assert "第 2 版" in text and 'id="第二条"' in text and "市政务服务办提供的复印件" in text
    law = "第一章 总则\n" + "\n".join(f"第一百条 {'依' * 1000}" for _ in range(90))
    form = aiohttp.FormData(
        {"_csrf": bureau.csrf, **given, "effective_from": "2023-02-01", "text": law}, default_to_multipart=True
    )
    whole = await bureau.client.post("/regulations/rao-3/versions", data=form, allow_redirects=False)
    assert whole.status == 303, await whole.text()
    assert (
        "第 3 版" in (text := await (await bureau.get("/regulations/rao-3")).text()) and text.count("依" * 1000) == 90
    )
    assert (await (await lead.get("/regulations")).text()).count("待录入") == 2
    old = await (await bureau.get("/regulations/rao-3?version=1")).text()
    assert "原文待录入" in old
    assert (await lead.post("/regulations/rao-3/versions", given)).status == 403
    assert (await lead.get("/regulations/none")).status == 404
    assert (await lead.get("/regulations/rao-3?version=9")).status == 404
