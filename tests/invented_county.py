"""Where counties lie, and how to invent one that shares nothing with the first."""

from pathlib import Path

COUNTIES = Path(__file__).parents[1] / "counties"


def invent(folder: Path) -> Path:
    """云河县: other units, limits, readings, letters and words, nothing of the first."""
    policy = (COUNTIES / "yiyang" / "policy.toml").read_text(encoding="utf-8")
    for before, after in (
        ("弋阳12345", "云河12345"),
        ("complaint = 10", "complaint = 7"),
        ('complaint = ["occurred", "address", "subject", "demand"]', "complaint = []"),
        ('help = ["address", "demand"]', "help = []"),
        ("consultation = 2", "consultation = 1"),
        ("sign = 1", "sign = 2"),
        ("count_start_day = false", "count_start_day = true"),
        ('due_time = "24:00"', 'due_time = "17:30"'),
        ("您的诉求已受理，工单号{number}，查询码{code}。", "云河热线已登记：{number}，凭{code}查询。"),
        ('number_prefix = "YY"', 'number_prefix = "YH"'),
        ("query_code_digits = 6", "query_code_digits = 8"),
        ("弋阳县", "云河县"),
        ("protected_years = 3", "protected_years = 5"),
        ("check_days = 1", "check_days = 30"),
        ("report_years = 5", "report_years = 8"),
    ):
        assert before in policy
        policy = policy.replace(before, after, 1)
    files = {
        "policy.toml": policy,
        "units.toml": '[[unit]]\ncode = "east"\nname = "东城镇人民政府"\nkind = "township"\n'
        '[[unit]]\ncode = "city"\nname = "云河县综合执法局"\nkind = "department"\naliases = ["执法局"]\n',
        "matters.toml": '[[matter]]\ncode = "A1"\nname = "市容"\n'
        'group = "城管"\ndomain = "社会管理"\nwords = ["占道"]\n',
        "catalogue.toml": '[[line]]\nmatter = "A1"\nlead = "city"\nassist = ["area"]\nbasis = "云河县派单目录"\n',
        "gazetteer.toml": '[[place]]\nname = "云河县"\nkind = "county"\n'
        '[[place]]\nname = "东城镇"\nkind = "township"\narea = "east"\n',
        "numbers.toml": '[[number]]\nnumber = "12345"\nhotline = "云河热线"\nmode = "own"\nqueue = "q"\n',
        "queues.toml": '[[queue]]\ncode = "q"\nname = "坐席"\n',
        "roster.toml": "",
        "staff.toml": "",
    }
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder
