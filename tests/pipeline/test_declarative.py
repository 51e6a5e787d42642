"""What is wrong in a Jenkinsfile is told with its line, and with what was meant."""

from pathlib import Path

import pytest

from infra.pipeline.declarative.__main__ import main
from infra.pipeline.declarative.check import faults_in

GOOD = """\
pipeline {
    agent any
    options { timeout(time: 1, unit: 'HOURS') }
    stages {
        stage('A') {
            steps { sh 'make a' }
            post { always { echo 'done' } }
        }
    }
}
"""


def lines(source: str) -> list[str]:
    return [f"{fault.line}: {fault.text}" for fault in faults_in(source.encode())]


def test_a_good_one_has_no_fault() -> None:
    assert lines(GOOD) == []


PLANTED = {
    "agnet any": (
        ("agent any", "agnet any"),
        "2: agnet: no such section of a pipeline; did you mean agent?",
    ),
    "agent missing": (("    agent any\n", ""), "1: pipeline: agent is missing"),
    "agent of no kind": (
        ("agent any", "agent ayn"),
        "2: ayn: no such agent without a block; did you mean any?",
    ),
    "agent block of no kind": (
        ("agent any", "agent { lable 'x' }"),
        "2: lable: no such kind of agent; did you mean label?",
    ),
    "stpes": (
        ("steps {", "stpes {"),
        "6: stpes: no such section of a stage; did you mean steps?",
    ),
    "two bodies": (
        (
            "steps { sh 'make a' }",
            "steps { sh 'make a' }\n stages { stage('B') { steps { echo 'b' } } }",
        ),
        "5: stage 'A': exactly one of steps, stages, parallel, matrix; it has steps and stages",
    ),
    "no body": (
        ("            steps { sh 'make a' }\n", ""),
        "5: stage 'A': exactly one of steps, stages, parallel, matrix; it has none of them",
    ),
    "steps twice": (
        ("steps { sh 'make a' }", "steps { sh 'make a' }\n steps { sh 'make b' }"),
        "7: steps: it is there twice",
    ),
    "post condition": (
        ("always {", "allways {"),
        "7: allways: no such condition of post; did you mean always?",
    ),
    "option": (
        ("timeout(time: 1, unit: 'HOURS')", "timeuot(time: 1, unit: 'HOURS')"),
        "3: timeuot: no such option of a pipeline; did you mean timeout?",
    ),
    "option of a pipeline in a stage": (
        ("steps { sh 'make a' }", "options { disableConcurrentBuilds() }\n steps { sh 'make a' }"),
        "6: disableConcurrentBuilds: no such option of a stage; "
        "known are retry, skipDefaultCheckout, timeout, timestamps",
    ),
    "required argument": (
        ("time: 1, unit: 'HOURS'", "unit: 'HOURS'"),
        "3: timeout: the argument time is missing",
    ),
    "no argument": (
        ("timeout(time: 1, unit: 'HOURS')", "timeout()"),
        "3: timeout: arguments are missing (time)",
    ),
    "unit of time": (("'HOURS'", "'HOUR'"), "3: HOUR: no such unit of time; did you mean HOURS?"),
    "no stage": (
        (GOOD[GOOD.index("        stage(") : GOOD.index("    }\n}\n")], ""),
        "4: stages: there is no stage in it",
    ),
    "stages missing": (("    stages {", "    stagse {"), "1: pipeline: stages is missing"),
    "stage without a name": (
        ("stage('A')", "stage"),
        "5: stage: it has no name; write stage('Name') { ... }",
    ),
    "step": (("sh 'make a'", "shh 'make a'"), "6: shh: no such step; did you mean sh?"),
    "step in post": (("echo 'done'", "ehco 'done'"), "7: ehco: no such step; did you mean echo?"),
    "when": (
        ("steps { sh 'make a' }", "when { not { barnch 'main' } }\n steps { sh 'make a' }"),
        "6: barnch: no such condition of when; did you mean branch?",
    ),
    "environment": (
        ("steps { sh 'make a' }", "environment { sh 'x' }\n steps { sh 'make a' }"),
        "6: environment: sh is no NAME = value",
    ),
    "parallel in parallel": (
        (
            "steps { sh 'make a' }\n",
            "parallel { stage('B') { parallel { stage('C') { steps { echo 'c' } } } } }\n",
        ),
        "6: stage 'B': parallel cannot stand inside parallel or matrix",
    ),
    "failFast alone": (
        ("steps { sh 'make a' }", "failFast true\n steps { sh 'make a' }"),
        "5: stage 'A': failFast goes with parallel or matrix only",
    ),
    "input without a message": (
        ("steps { sh 'make a' }", "input { ok 'yes' }\n steps { sh 'make a' }"),
        "6: input: message is missing",
    ),
    "empty steps": (("steps { sh 'make a' }", "steps { }"), "6: steps: there is no step in it"),
    "block that is never closed": (
        ("    stages {\n", "    stages {{\n"),
        "1: cannot be read as Groovy from here on: pipeline {",
    ),
    "no pipeline": (
        ("pipeline {", "pipelin {"),
        "1: a Jenkinsfile of this kind is one block: pipeline { ... }",
    ),
}


@pytest.mark.parametrize(("change", "told"), PLANTED.values(), ids=PLANTED)
def test_a_planted_fault_is_told(change: tuple[str, str], told: str) -> None:
    planted = GOOD.replace(*change)
    assert planted != GOOD
    assert told in lines(planted)


def test_two_stages_of_one_name_are_told() -> None:
    twice = GOOD.replace(
        "    stages {\n", "    stages {\n        stage('A') { steps { echo 'a' } }\n"
    )
    assert lines(twice) == ["6: stage 'A': line 5 has this name already"]


def test_a_good_matrix_and_scripts_of_any_groovy_pass() -> None:
    source = """\
pipeline {
    agent none
    stages {
        stage('A') {
            when {
                beforeAgent true
                expression { return params.X != null }
                environment name: 'X', value: 'y'
            }
            matrix {
                axes { axis { name 'P'; values 'a', 'b' } }
                stages {
                    stage('B') {
                        agent { label 'x' }
                        steps {
                            script { for (p in ['a']) { sh "make ${p}" } }
                            timeout(5) { retry(2) { sh script: 'make a', returnStatus: true } }
                        }
                    }
                }
            }
        }
    }
}
"""
    assert lines(source) == []


def test_the_command_tells_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "Jenkinsfile"
    path.write_text(GOOD.replace("agent any", "agnet any"))
    assert main(path) == 1
    assert f"{path}:2: agnet: no such section" in capsys.readouterr().err
    path.write_text(GOOD)
    assert main(path) == 0
    assert main(tmp_path / "none") == 2
    assert "cannot be read: No such file" in capsys.readouterr().err
