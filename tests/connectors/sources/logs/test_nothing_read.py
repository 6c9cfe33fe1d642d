"""A log of which no row can be used never looks like a quiet network; what a hunt left out is told as a sentence."""

from click.testing import CliRunner

from playbook.__main__ import cli
from playbook.errors import PlaybookError

UNDATED = (
    "%ASA-6-302013: Built outbound TCP connection {n} for outside:9.9.9.9/443 (9.9.9.9/443) to "
    "inside:10.1.2.3/5{n} (10.1.2.3/5{n})\n"
)


def told(tmp_path, *command: str) -> tuple[int, str]:
    log = tmp_path / "asa.log"
    log.write_text("".join(UNDATED.format(n=n) for n in range(100, 120)))
    done = CliRunner().invoke(cli, [*command, str(log)], env={"COLUMNS": "200"})
    code = done.exception.exit_code if isinstance(done.exception, PlaybookError) else done.exit_code
    return code, done.output


def test_a_run_over_rows_that_all_fail_is_incomplete_and_shows_the_first_of_them(tmp_path):
    code, said = told(tmp_path, "run", "--logs")
    assert code == 4
    assert "INCOMPLETE" in said and "No beaconing" not in said
    assert "rejected: " in said and "asa.log:1: time stamp" in said


def test_detect_says_so_too(tmp_path):
    code, said = told(tmp_path, "detect")
    assert code == 4 and "INCOMPLETE" in said


def test_a_hunt_names_the_first_row_that_it_left_out(tmp_path):
    said = told(tmp_path, "hunt", "irc")[1]
    assert "20 rows left out; the first: " in said and "('" not in said
    assert "0 rows" in said


def test_a_window_that_the_log_does_not_reach_is_incomplete(tmp_path):
    log = tmp_path / "conn.csv"
    log.write_text(
        "time,hostname,src_ip,dst_ip,dst_port,bytes_sent,bytes_rcvd,process_name\n"
        "1772409600,ws-1,10.1.2.3,9.9.9.9,443,1,1,\n"
    )
    done = CliRunner().invoke(cli, ["run", "--from", "2015-01-01", "--to", "2015-01-02", "--logs", str(log)])
    assert done.exit_code == 4
    assert "no row lies in the window" in done.output and "No beaconing" not in done.output
