"""The offices of the fictional city by group, in the wording of 2018: office, vertical line. Data only."""

from __future__ import annotations

from typing import Final

LINES: Final = {
    "edu": "教育",
    "health": "卫生健康",
    "tax": "税务",
    "court": "法院",
    "procuracy": "检察",
    "police": "公安",
    "finance": "财政",
    "land": "国土资源",
    "agri": "农牧",
    "civil": "民政",
    "market": "市场监管",
    "discipline": "纪检监察",
}

HEAD_OFFICES: Final = ("委办公室", "人大常委会办公室", "政府办公室", "政协办公室")
OPERATOR_OFFICE: Final = "委网信办"
ROSTER_OFFICE: Final = "委编办"
SENDING_OFFICE: Final = "政府办公室"
OUTSIDE_OFFICE: Final = "防汛抗旱指挥部办公室"


def _listed(text: str) -> tuple[tuple[str, str | None], ...]:
    """`office` or `office:line`, separated by blanks."""
    pairs = (word.partition(":") for word in text.split())
    return tuple((office, line or None) for office, _, line in pairs)


CITY_OFFICES: Final = _listed(
    """政府办公室 委办公室 委网信办 人大常委会办公室 政协办公室 委编办 纪委监委:discipline 委组织部 委宣传部 委统战部
    委政法委 委政策研究室 委巡察办 委老干部局 委党校 委党史研究室 委机要局 直属机关工委 信访局 接待办 发展和改革委员会
    工业和信息化委员会 教育局:edu 科学技术局 民族宗教局 公安局:police 民政局:civil 司法局 财政局:finance 人力资源和社会保障局
    国土资源局:land 环境保护局 规划局 住房和城乡建设局 交通运输局 水务局 农牧局:agri 林业局 商务局 文化广播影视新闻出版局
    卫生和计划生育委员会:health 审计局 统计局 安全生产监督管理局 食品药品监督管理局:market 工商行政管理局:market
    质量技术监督局:market 体育局 旅游局 粮食局 扶贫开发办公室 金融工作办公室 法制办公室 人民防空办公室 外事侨务办公室
    公共资源交易中心 政务服务中心 机关事务管理局 档案局 地震局 供销合作社联合社 住房公积金管理中心 总工会 共青团委 妇女联合会
    科学技术协会 工商业联合会 残疾人联合会 文学艺术界联合会 社会科学界联合会 红十字会 日报社 广播电视台 图书馆 博物馆
    第一人民医院:health 第二人民医院:health 中医医院:health 妇幼保健院:health 疾病预防控制中心:health 中心血站:health
    卫生监督所:health 教育考试院:edu 教育科学研究所:edu 职业技术学院:edu 农业科学院:agri 畜牧兽医局:agri 种子管理站:agri
    水土保持局 城市管理执法局 经济技术开发区管委会 工业园区管委会"""
)
COUNTY_OFFICES: Final = _listed(
    """政府办公室 委办公室 人大常委会办公室 政协办公室 纪委监委:discipline 委组织部 委宣传部 委统战部 委政法委 委编办 委网信办
    委老干部局 委党校 信访局 发展和改革局 工业和信息化局 教育局:edu 科学技术局 公安局:police 民政局:civil 司法局
    财政局:finance 人力资源和社会保障局 国土资源局:land 环境保护局 住房和城乡建设局 交通运输局 水务局 农牧局:agri 林业局
    商务局 文化体育广播影视局 卫生和计划生育局:health 审计局 统计局 安全生产监督管理局 食品药品监督管理局:market 市场监督管理局:market
    扶贫开发办公室 粮食局 旅游局 城市管理局 政务服务中心 机关事务管理局 档案局 供销合作社联合社 总工会 共青团委 妇女联合会
    科学技术协会 工商业联合会 残疾人联合会 人民医院:health 中医医院:health 妇幼保健院:health 疾病预防控制中心:health
    农业机械管理局:agri 畜牧兽医局:agri 公共资源交易中心 融媒体中心 图书馆 文化馆"""
)
STATIONED_OFFICES: Final = _listed(
    """国家税务局:tax 地方税务局:tax 人民法院:court 人民检察院:procuracy 气象局 烟草专卖局 供电公司 邮政管理局
    公路管理局 盐务管理局 人民银行支行 银行业监督管理办事处 公安消防大队:police 交通警察大队:police 水文站 地震监测站
    石油销售分公司 高速公路管理处 铁路车务段 无线电管理处"""
)
SCHOOLS: Final = (
    "初级中学",
    "中心小学",
    "中心幼儿园",
    "职业中学",
    "实验小学",
    "学区",
    "第二小学",
    "第二中学",
)
SECTIONS: Final = ("办公室", "综合科", "业务科", "人事科", "财务科", "法规科", "信息科", "督查科")
