"""The connection form: who the peer is, how the hub signs in there, and how it is spoken to."""
from __future__ import annotations

from plugins import Connection
from plugins.fields import Flag, Text, Whole
from plugins.http import HttpForm

PLATFORM, ROBOT = "platform", "robot"
KINDS = (PLATFORM, ROBOT)
CIPHERS = ("auto", "plain", "SM2", "RSA")
LAYOUTS = ("C1C3C2", "C1C2C3", "ASN1")
DEFAULT_ZONE = "Asia/Shanghai"
VERSION = "1.0.0"


class Form(HttpForm):
    """T/TSAC 002-2025 平台或机器人的连接参数。"""

    kind = Text("对方类型（platform-管理平台，6.2 接口 robot-单个机器人，6.3 接口）", choices=KINDS, required=True)
    username = Text("platform：用户账号或应用账号", longest=128)
    password = Text("platform：密码", longest=512, secret=True)
    secret = Text("robot：机器人的 secret 密钥", longest=512, secret=True)
    cipher = Text(
        "密码的加密方式（auto-对方提供公钥时加密 plain-明文 SM2 RSA-OAEP 加 SHA-256）【默认 auto】", choices=CIPHERS, any_case=True,
    )
    public_key = Text("对方的公钥（PEM、base64 或十六进制），缺省时从对方的 /api/ext/crypto/public-key 获取", longest=4096)
    cipher_layout = Text("SM2 密文排列（C1C3C2, C1C2C3, ASN1）【默认 C1C3C2】", choices=LAYOUTS)
    cipher_encoding = Text("密文编码（hex, base64）【SM2 默认 hex，RSA 默认 base64】", choices=("hex", "base64"))
    allow_plain_over_http = Flag("便利选项：允许经未加密的 HTTP 向其他机器发送明文密码或密钥，仅用于测试【默认 false】")
    version = Text("version 请求头【默认 1.0.0】", longest=16)
    time_zone = Text("对方时间字段所在时区【默认 Asia/Shanghai】", longest=64)
    additive = Flag("是否发送标准表格之外的可选参数；对方拒绝未知参数时设为 false【默认 true】")
    upload = Text("文件的上传方式（multipart, json-内容为 base64）【默认 multipart】", choices=("multipart", "json"))
    page_size = Whole("查询列表时每页的条数【默认 100】", least=1, most=1000)
    department = Text("platform：在对方创建对象时所属的部门 ID【默认对方部门列表中的第一个】", longest=64)
    robot_group = Text("platform：在对方创建流程时使用的机器人组 ID【默认对方机器人组列表中的第一个】", longest=64)
    download_hosts = Text("除连接地址外，允许下载录屏的主机名，以逗号分隔", longest=1024)


def is_robot(connection: Connection) -> bool:
    """Whether the peer is a single robot."""
    return connection.options.get("kind") == ROBOT


def chosen(connection: Connection, name: str, default: str) -> str:
    """An option as text, or its default."""
    return str(connection.options.get(name) or default)
