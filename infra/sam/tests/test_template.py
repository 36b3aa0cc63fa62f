"""What the template promises, checked on what SAM makes of it.

Run by `.ci/run`, or by hand where `infra/sam/requirements.txt` is installed:

    python -m unittest discover -s infra/sam/tests
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from template import BASIC, TEMPLATE, of_type, source, transformed

XRAY = "arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess"
API = "${Api}/v1/"
MANAGE = "execute-api:ManageConnections"


def lint(path):
    """Everything that the linter has to say, warnings included."""
    linter = pathlib.Path(sys.executable).with_name("cfn-lint")
    command = [linter, "--non-zero-exit-code", "informational", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def one_or_many(value):
    return value if isinstance(value, list) else [value]


def statements(role):
    """The statements of a role's own policies, conditional ones too."""
    for policy in role.get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


class Lint(unittest.TestCase):
    def test_the_source_has_no_warning(self):
        checked = lint(TEMPLATE)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_what_sam_makes_of_it_has_no_warning(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(transformed(), file)
            file.flush()
            checked = lint(file.name)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)


class Routes(unittest.TestCase):
    def setUp(self):
        self.declared = source()["Resources"]["Api"]["Properties"]["Routes"]
        self.routes = {route["RouteKey"]: route for route in of_type("AWS::ApiGatewayV2::Route").values()}

    def test_every_route_leads_to_its_function(self):
        integrations = of_type("AWS::ApiGatewayV2::Integration")
        self.assertEqual(set(self.routes), set(self.declared))
        for key, route in self.routes.items():
            parts = route["Target"]["Fn::Join"][1]
            integration = integrations[parts[-1]["Ref"]]
            function = self.declared[key]["FunctionArn"]["Fn::GetAtt"][0]
            self.assertEqual(integration["IntegrationType"], "AWS_PROXY", key)
            uri = integration["IntegrationUri"]["Fn::Sub"][1]
            self.assertEqual(uri["FunctionArn"]["Fn::GetAtt"][0], function, key)

    def test_every_route_may_invoke_its_function_and_the_authorizer_too(self):
        permitted = set()
        for permission in of_type("AWS::Lambda::Permission").values():
            self.assertEqual(permission["Action"], "lambda:InvokeFunction")
            self.assertEqual(permission["Principal"], "apigateway.amazonaws.com")
            permitted.add((json.dumps(permission["FunctionName"]), json.dumps(permission["SourceArn"])))
        self.assertEqual(len(permitted), len(self.routes) + 1)
        for key, route in self.declared.items():
            function = route["FunctionArn"]["Fn::GetAtt"][0]
            mine = [source for name, source in permitted if '"%s"' % function in name]
            self.assertTrue(any(key in source for source in mine), f"{key}: {mine}")

    def test_a_route_that_selects_a_response_has_one(self):
        answering = {
            response["RouteId"]["Ref"] for response in of_type("AWS::ApiGatewayV2::RouteResponse").values()
        }
        selecting = {
            name
            for name, route in of_type("AWS::ApiGatewayV2::Route").items()
            if "RouteResponseSelectionExpression" in route
        }
        self.assertEqual(answering, selecting)

    def test_only_who_shows_a_token_connects(self):
        for key, route in self.routes.items():
            self.assertEqual(route.get("AuthorizationType", "NONE"), "CUSTOM" if key == "$connect" else "NONE")

    def test_the_access_log_holds_no_query(self):
        (stage,) = of_type("AWS::ApiGatewayV2::Stage").values()
        log = stage["AccessLogSettings"]["Fn::If"][1]
        variables = set(re.findall(r"\$context\.([a-zA-Z.]+)", log["Format"]))
        json.loads(log["Format"])
        self.assertEqual(
            variables,
            {
                "requestTime",
                "requestId",
                "connectionId",
                "eventType",
                "routeKey",
                "authorizer.principalId",
                "status",
                "error.message",
                "integrationErrorMessage",
                "integrationLatency",
            },
        )

    def test_the_stage_is_throttled(self):
        (stage,) = of_type("AWS::ApiGatewayV2::Stage").values()
        self.assertEqual(
            stage["DefaultRouteSettings"],
            {"ThrottlingRateLimit": {"Ref": "RequestsPerSecond"}, "ThrottlingBurstLimit": {"Ref": "RequestsBurst"}},
        )


class Privileges(unittest.TestCase):
    def roles(self):
        roles = of_type("AWS::IAM::Role")
        self.assertEqual(len(roles), len(of_type("AWS::Lambda::Function")))
        return roles.items()

    def test_beyond_its_own_policy_a_function_may_log_and_trace(self):
        for name, role in self.roles():
            self.assertLessEqual(set(role["ManagedPolicyArns"]), {BASIC, XRAY}, name)

    def test_no_action_and_no_resource_is_a_pattern(self):
        for name, role in self.roles():
            for statement in statements(role):
                self.assertEqual(statement["Effect"], "Allow", name)
                actions = one_or_many(statement["Action"])
                self.assertFalse([action for action in actions if "*" in action], name)
                for resource in one_or_many(statement["Resource"]):
                    if actions == [MANAGE]:
                        # An id is all that is left open, and the API is this one.
                        self.assertRegex(resource["Fn::Sub"], r":\$\{Api\}/v1/(POST|DELETE)/@connections/\*$")
                    else:
                        self.assertNotIn("*", json.dumps(resource), name)

    def test_nobody_deletes_from_a_timeline(self):
        for name, role in self.roles():
            for statement in statements(role):
                if "TimelineTable" in json.dumps(statement["Resource"]):
                    deleting = {"dynamodb:DeleteItem", "dynamodb:BatchWriteItem"}
                    self.assertFalse(deleting & set(one_or_many(statement["Action"])), name)


class Tables(unittest.TestCase):
    def test_what_cannot_be_made_again_is_kept(self):
        for name in ["TimelineTable", "DirectoryTable"]:
            resource = transformed()["Resources"][name]
            properties = resource["Properties"]
            self.assertEqual((resource["DeletionPolicy"], resource["UpdateReplacePolicy"]), ("Retain", "Retain"))
            self.assertTrue(properties["DeletionProtectionEnabled"], name)
            self.assertTrue(properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], name)

    def test_nobody_pays_for_a_table_that_is_not_used(self):
        for name, table in of_type("AWS::DynamoDB::Table").items():
            self.assertEqual(table["BillingMode"], "PAY_PER_REQUEST", name)

    def test_a_timeline_never_expires(self):
        self.assertNotIn("TimeToLiveSpecification", of_type("AWS::DynamoDB::Table")["TimelineTable"])


class Streams(unittest.TestCase):
    def test_what_is_given_up_goes_somewhere(self):
        mappings = of_type("AWS::Lambda::EventSourceMapping")
        self.assertTrue(mappings)
        for name, mapping in mappings.items():
            # A block of the index that is not built is built by whoever misses it.
            is_made_again = mapping["FunctionName"] == {"Ref": "IndexFunction"}
            self.assertEqual("OnFailure" in mapping.get("DestinationConfig", {}), not is_made_again, name)
            self.assertEqual(mapping["FunctionResponseTypes"], ["ReportBatchItemFailures"], name)
            self.assertTrue(mapping["BisectBatchOnFunctionError"], name)


class Costs(unittest.TestCase):
    def test_what_costs_when_idle_is_off_unless_asked_for(self):
        resources = transformed()["Resources"]
        for name, resource in resources.items():
            if resource["Type"].startswith("AWS::CloudWatch::"):
                self.assertEqual(resource.get("Condition"), "Monitors", name)
        parameters = transformed()["Parameters"]
        self.assertEqual(parameters["Monitoring"]["Default"], "off")
        self.assertEqual(parameters["Tracing"]["Default"], "PassThrough")

    def test_executions_are_reserved_only_where_that_is_asked_for(self):
        reserved = {
            name: function["ReservedConcurrentExecutions"]["Fn::If"]
            for name, function in of_type("AWS::Lambda::Function").items()
            if "ReservedConcurrentExecutions" in function
        }
        self.assertEqual(set(reserved), {"ConnectFunction", "SendFunction", "FanoutFunction"})
        for name, (condition, value, otherwise) in reserved.items():
            parameter = value["Ref"]
            self.assertEqual(transformed()["Parameters"][parameter]["Default"], 0)
            self.assertEqual(otherwise, {"Ref": "AWS::NoValue"}, name)
            self.assertIn(parameter, json.dumps(source()["Conditions"][condition]))


class Dashboard(unittest.TestCase):
    def test_its_body_is_json(self):
        (dashboard,) = of_type("AWS::CloudWatch::Dashboard").values()
        body = re.sub(r"\$\{[A-Za-z:.]+\}", "x", dashboard["DashboardBody"]["Fn::Sub"])
        self.assertEqual(len(json.loads(body)["widgets"]), 4)


if __name__ == "__main__":
    unittest.main()
