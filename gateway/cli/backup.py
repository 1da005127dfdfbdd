"""`songda backup` and `songda restore`: a proven copy beside the running server, and a data folder made from one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gateway.cli.client import Data, Json, existing_data, print_json
from gateway.cli.console import config_file, loaded, stop

if TYPE_CHECKING:
    from inbox_store.embedded.restore import Restored

T = TypeVar("T")

SHOWN_MAX = 5


def backup(
    ctx: typer.Context,
    target: Annotated[Path, typer.Argument(help="备份写到这个目录，须不存在", show_default=False)],
    data: Data = None,
    with_keys: Annotated[
        bool,
        typer.Option("--with-keys", help="连同密钥一起备份；持有者能解开全部电话号码，须锁在保险柜"),
    ] = False,
    as_json: Json = False,
) -> None:
    """备份：数据库、附件和链头，不停服务；写完、落盘并校验后才出现在指定位置。密钥请另行保管。

    Back up beside the running server; the folder appears when it is whole, synced and verified.
    """
    from inbox_store.embedded import FILE
    from inbox_store.embedded.backup import back_up
    from inbox_store.times import iso, system_now

    folder = existing_data(ctx, data)
    keys = _keys_folder(ctx, folder)
    told = _done(
        lambda: back_up(folder, FILE, target, clock=system_now, tell=_tell, keys=keys if with_keys else None)
    )
    size = sum(one.size_bytes for one in told.files)
    stand = told.stand
    if as_json:
        print_json({"target": str(target), "bytes": size, "manifest": told})
    else:
        typer.echo(
            f"已备份到 {target}：截至提交 {stand.commit_no}（{iso(stand.at) if stand.at else '空库'}），"
            f"{len(told.files)} 个文件、{size / 1e6:.1f} MB，已校验。"
        )
    if not with_keys:
        typer.echo(f"密钥不在备份里：请把 {keys} 另行保管，恢复时需要。", err=True)
    _tell_lacking(told.lacking, "这些附件在备份之前已丢失或损坏，其余都已备份")


def restore(
    ctx: typer.Context,
    source: Annotated[
        Path, typer.Argument(help="备份目录，或升级前保留的 songda.db.before-… 文件", show_default=False)
    ],
    data: Data = None,
    keys: Annotated[
        Path | None, typer.Option("--keys", help="原来的密钥所在目录；默认取备份中的", show_default=False)
    ] = None,
    new_keys: Annotated[
        bool,
        typer.Option("--new-keys", help="密钥确实丢失时：缺的重新生成，只有它能解开的电话号码清空"),
    ] = False,
    as_json: Json = False,
) -> None:
    """恢复：从备份建立新的数据目录（须不存在），校验后才出现。所有人须重新登录。

    Make a data folder from a backup: a new history for clients, recorded in the trace; everybody logs in anew.
    """
    from inbox_store.embedded import FILE
    from inbox_store.embedded.restore import KeySource, restore
    from inbox_store.times import system_now

    settings = loaded(config_file(ctx)).settings
    folder = data or settings.data_folder
    elsewhere = Path(settings.security.keys_path) if settings.security.keys_path else None
    ours = KeySource(folder=keys or elsewhere, elsewhere=not keys and elsewhere is not None, anew=new_keys)
    told = _done(lambda: restore(source, folder, FILE, clock=system_now, tell=_tell, keys=ours))
    if as_json:
        print_json({"data": str(folder), "restored": told})
    else:
        _tell_restored(folder, told)
    _tell_lacking(told.lacking, "这些附件不在备份里，其余都已恢复")


def _tell_restored(folder: Path, told: Restored) -> None:
    from inbox_store.times import iso

    at = iso(told.before.at) if told.before.at else "空库"
    typer.echo(f"已恢复到 {folder}：截至提交 {told.before.commit_no}（{at}），已校验，恢复一事已记入审计。")
    typer.echo("此后的来文、签收、冻结、改密和密钥吊销不在其中，须重做；所有人须重新登录，客户端会重新收取。")
    if told.numbers_forgotten:
        typer.echo(f"已清空 {told.numbers_forgotten} 个无法解开的电话号码，重新导入组织机构即可补上。")
    typer.echo(f"下一步：songda doctor --data {folder}，然后把 store.path 指向它并启动服务。")


def _keys_folder(ctx: typer.Context, folder: Path) -> Path:
    """Where the keys of a data folder lie: the place in the settings, or its own."""
    own = loaded(config_file(ctx)).settings.security.keys_path
    return Path(own) if own else folder / "keys"


def _tell_lacking(lacking: tuple[str, ...], what: str) -> None:
    """Name the attachments that are not there and end with 1: whoever runs this by a timer is to hear of it."""
    if not lacking:
        return
    for file_id in lacking[:SHOWN_MAX]:
        typer.echo(f"  {file_id}", err=True)
    stop(f"{what}：共 {len(lacking)} 个", "从更早的备份的 attachments 目录找回同名文件")


def _tell(what: str, done: int, total: int) -> None:
    """Progress on one line, for somebody who watches."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        typer.echo(f"\r{what} {100 * done // max(total, 1):3d} %{end}", err=True, nl=False)


def _done(work: Callable[[], T]) -> T:
    """Do it; what is refused ends the run with 1 and what to do next."""
    from inbox_store.embedded.copying import DAMAGE, CopyFault
    from inbox_store.errors import StoreBroken

    try:
        return work()
    except CopyFault as fault:
        stop(str(fault), fault.mend)
    except StoreBroken as fault:
        stop(str(fault))
    except DAMAGE as fault:
        stop(f"数据文件无法读取：{fault}", "执行 songda doctor 查看；数据文件损坏的，从先前的备份恢复")
    except OSError as fault:
        stop(
            f"未完成：{fault.strerror or fault}（{fault.filename or ''}）",
            "腾出空间、检查权限后重试；没有留下不完整的结果",
        )


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("backup")(backup)
    app.command("restore")(restore)
