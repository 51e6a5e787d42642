"""template.yaml, as the tools that package it read it."""

from samtranslator.yaml_helper import yaml_parse

from tests.conftest import ROOT


def test_no_output_is_called_as_a_parameter_is() -> None:
    # sam build looks an output's name up among the parameters, and breaks on finding it.
    template = yaml_parse((ROOT / "template.yaml").read_text())
    assert not template["Outputs"].keys() & template["Parameters"].keys()
