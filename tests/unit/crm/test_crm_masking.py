"""Numbers of people and doors are hidden, streets and estates are not."""

import pytest

from crm.tickets.masking import mask_address, mask_numbers

pytestmark = pytest.mark.proves("F22-2")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("胜利路15号凤凰小区3栋2单元501室", "胜利路**号凤凰小区**栋**单元**室"),
        ("桃源街道方志敏大道18-2号", "桃源街道方志敏大道**号"),
        ("三县岭村八组十二号", "三县岭村八组**号"),
        ("凤凰小区B座1203室，电话13812345678", "凤凰小区**座**室，电话138****5678"),
        ("320国道与迎宾大道交叉口", "320国道与迎宾大道交叉口"),
        ("县人民医院门口", "县人民医院门口"),
        ("", ""),
    ],
)
def test_doors_are_hidden_and_streets_are_not(text: str, masked: str) -> None:
    assert mask_address(text) == masked


def test_numbers_of_people_in_a_text_are_hidden_and_others_are_not() -> None:
    text = "联系人13812345678，身份证36232519800101001X，工单YY20261123-00001，金额120000元，座机0793-5901234"
    assert mask_numbers(text) == (
        "联系人138****5678，身份证362325********001X，工单YY20261123-00001，金额120000元，座机0793-5901234"
    )
