"""The template as AWS would see it: read by SAM's own translator, without an account.

Whoever asks for `source()` has the template as it is written, whoever asks for `transformed()` the
CloudFormation that SAM makes of it.
"""

import copy
import functools
import pathlib

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

ROOT = pathlib.Path(__file__).resolve().parents[3]
TEMPLATE = ROOT / "template.yaml"

# The one managed policy whose ARN the translator asks for by name.
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


class ManagedPolicies:
    """What SAM would ask IAM for."""

    def load(self):
        return {"AWSLambdaBasicExecutionRole": BASIC}


@functools.cache
def _source():
    return yaml_parse(TEMPLATE.read_text())


def source():
    return copy.deepcopy(_source())


@functools.cache
def transformed():
    template = source()
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # A local folder has been uploaded by the time the translator sees it.
            resource["Properties"]["CodeUri"] = "s3://code/bootstrap.zip"
    template["Globals"]["Function"].pop("CodeUri")
    return transform(template, {}, ManagedPolicies())


def of_type(kind):
    """The transformed resources of one type, by logical id."""
    resources = transformed()["Resources"].items()
    return {name: body["Properties"] for name, body in resources if body["Type"] == kind}
