"""What the stack promises, read from its template."""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pointsman.api.app import PAGE_HEADERS
from pointsman.auth.bearer import read_document
from pointsman.history import erasure
from pointsman.history.dynamodb import TABLE_DEFINITION, TTL_ATTRIBUTE

from tests.conftest import MakeRouter, MakeTable
from tests.infrastructure.template import RESOURCES, TEMPLATE, of_type

FUNCTIONS = of_type("AWS::Serverless::Function")
ROLES = of_type("AWS::IAM::Role")
ALARMS = of_type("AWS::CloudWatch::Alarm")
API = RESOURCES["Api"]["Properties"]["DefinitionBody"]


def statements() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every policy of a role, with the policy's name."""
    policies = [
        *((p["PolicyName"], p["PolicyDocument"]) for role in ROLES.values() for p in role["Policies"]),
        *((p["PolicyName"], p["PolicyDocument"]) for p in of_type("AWS::IAM::RolePolicy").values()),
    ]
    for name, document in policies:
        yield from ((name, statement) for statement in document["Statement"])


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def actions_of(role: str, policy: str) -> set[str]:
    (found,) = [p for p in ROLES[role]["Policies"] if p["PolicyName"] == policy]
    return {a for s in found["PolicyDocument"]["Statement"] for a in listed(s["Action"])}


def test_no_route_is_open() -> None:
    operations = [operation for path in API["paths"].values() for operation in path.values()]
    assert operations
    assert [operation["security"] for operation in operations] == [[{"access": []}]] * len(operations)


def test_every_mode_of_access_asks_for_something() -> None:
    schemes = API["components"]["securitySchemes"]
    assert list(schemes) == ["access"]
    condition, tokens, other = schemes["access"]["Fn::If"]
    assert condition == "UsesTokens"
    condition, iam, jwt = other["Fn::If"]
    assert condition == "UsesIam"
    assert tokens["x-amazon-apigateway-authorizer"]["type"] == "request"
    assert iam["x-amazon-apigateway-authtype"] == "awsSigv4"
    assert jwt["x-amazon-apigateway-authorizer"]["type"] == "jwt"
    assert TEMPLATE["Parameters"]["AuthMode"]["AllowedValues"] == ["token", "iam", "jwt"]
    assert TEMPLATE["Parameters"]["AuthMode"]["Default"] == "token"


@pytest.mark.usefixtures("aws_account")
def test_a_revoked_token_is_refused_within_a_minute() -> None:
    from functions.authorize.app import SECRET_AGE_S

    authorizer = API["components"]["securitySchemes"]["access"]["Fn::If"][1]["x-amazon-apigateway-authorizer"]
    assert authorizer["authorizerResultTtlInSeconds"] + SECRET_AGE_S < 60
    # What is remembered is remembered by the whole header, so no answer serves another token.
    condition, behind, direct = authorizer["identitySource"]["Fn::If"]
    assert (condition, direct) == ("IsBehindCloudFront", "$request.header.Authorization")
    assert behind.split(", ") == ["$request.header.Authorization", "$request.header.x-pointsman-origin"]


def test_the_gateway_calls_the_alias_that_is_published() -> None:
    alias = TEMPLATE["Globals"]["Function"]["AutoPublishAlias"]
    uris = re.findall(r"functions/\$\{(\w+)\.Arn\}:(\w+)/invocations", json.dumps(API))
    assert {name for name, _ in uris} == set(FUNCTIONS)
    assert {version for _, version in uris} == {alias}


def test_functions_may_be_called_by_this_gateway_alone() -> None:
    permissions = of_type("AWS::Lambda::Permission")
    assert {one["FunctionName"]["Ref"].removesuffix(".Alias") for one in permissions.values()} == set(FUNCTIONS)
    for permission in permissions.values():
        assert permission["Principal"] == "apigateway.amazonaws.com"
        assert "${Api}" in permission["SourceArn"]["Fn::Sub"]
        assert permission["FunctionName"]["Ref"].endswith(".Alias")


def test_no_role_has_a_star_on_data() -> None:
    for name, statement in statements():
        actions = listed(statement["Action"])
        assert not [action for action in actions if "*" in action], name
        if statement["Resource"] == "*":
            assert {action.split(":")[0] for action in actions} == {"xray"}, name


def test_every_function_has_a_role_and_a_log_of_its_own() -> None:
    roles = [f["Role"]["Fn::GetAtt"][0] for f in FUNCTIONS.values()]
    logs = [f["LoggingConfig"]["LogGroup"]["Ref"] for f in FUNCTIONS.values()]
    assert len(set(roles)) == len(set(logs)) == len(FUNCTIONS)
    assert set(roles) == set(ROLES)
    groups = of_type("AWS::Logs::LogGroup")
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())
    for function in FUNCTIONS.values():
        log, role = function["LoggingConfig"]["LogGroup"]["Ref"], function["Role"]["Fn::GetAtt"][0]
        (logging,) = [p for p in ROLES[role]["Policies"] if p["PolicyName"] == "logs-and-traces"]
        assert logging["PolicyDocument"]["Statement"][0]["Resource"] == {"Fn::Sub": f"${{{log}.Arn}}"}


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_every_function_has_its_alarms(function: str) -> None:
    watched = {
        (alarm["MetricName"], alarm.get("Statistic") or alarm["ExtendedStatistic"])
        for alarm in ALARMS.values()
        if {"Name": "FunctionName", "Value": {"Ref": function}} in alarm.get("Dimensions", [])
    }
    assert watched == {("Errors", "Sum"), ("Throttles", "Sum"), ("Duration", "p99")}


def test_every_alarm_tells_somebody_and_what_our_code_counts_is_watched() -> None:
    assert all(alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}] for alarm in ALARMS.values())
    text = json.dumps(ALARMS)
    for metric in ("HistoryWriteFailures", "PriciestChosen", "5xx"):
        assert f'"MetricName": "{metric}"' in text


def test_a_new_version_is_moved_back_by_its_own_alarm() -> None:
    for name, function in FUNCTIONS.items():
        own, *gateway = function["DeploymentPreference"]["Alarms"]
        assert ALARMS[own["Ref"]]["Dimensions"][0]["Value"] == {"Ref": name}
        # What answers for itself never fails as a function does, so its 5xx are watched at the gateway.
        assert gateway == ([] if name == "AuthorizeFunction" else [{"Ref": "ApiErrorsAlarm"}])


def test_the_table_is_the_one_that_the_library_writes_to() -> None:
    (table,) = of_type("AWS::DynamoDB::Table").values()
    assert {name: table[name] for name in TABLE_DEFINITION} == TABLE_DEFINITION
    assert not {"GlobalSecondaryIndexes", "LocalSecondaryIndexes"} & set(table)
    assert table["TimeToLiveSpecification"] == {"AttributeName": TTL_ATTRIBUTE, "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"]["Fn::If"][2] == {"SSEEnabled": True}
    assert RESOURCES["DecisionsTable"]["DeletionPolicy"] == "Retain"


def test_roles_allow_what_the_history_does_and_no_more(aws: MakeTable, make_router: MakeRouter) -> None:
    history = aws()
    asked: list[str] = []
    history.connect()
    history._client.meta.events.register("before-call.dynamodb", lambda model, **_: asked.append(model.name))
    decision = make_router(history).decide("What is 1+1?").to_dict()
    assert {f"dynamodb:{name}" for name in asked} <= actions_of("RouteRole", "decisions")
    history.append(decision)  # a second time: it looks at what is there
    assert {f"dynamodb:{name}" for name in asked} == actions_of("RouteRole", "decisions")
    asked.clear()
    history.page(10)
    history.get(decision["id"])
    history.set_outcome(decision["id"], decision["selected"][0], {"completed": True})
    erasure.delete(history, decision["id"], "somebody")
    assert {f"dynamodb:{name}" for name in asked} == actions_of("HistoryRole", "decisions")


def test_every_parameter_is_described_and_bounded_and_its_default_is_allowed() -> None:
    grouped = list(
        itertools.chain.from_iterable(
            group["Parameters"] for group in TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        )
    )
    assert sorted(grouped) == sorted(TEMPLATE["Parameters"])
    for name, parameter in TEMPLATE["Parameters"].items():
        assert len(parameter["Description"]) > 20, name
        default = parameter["Default"]
        if "AllowedValues" in parameter:
            assert default in parameter["AllowedValues"], name
        elif parameter["Type"] == "String":
            assert re.fullmatch(parameter["AllowedPattern"], default), name
            assert parameter["ConstraintDescription"], name
        else:
            assert parameter["MinValue"] <= default <= parameter["MaxValue"], name


def test_light_functions_do_not_carry_the_embedder() -> None:
    layers = {name: [layer["Ref"] for layer in f["Layers"]] for name, f in FUNCTIONS.items()}
    assert layers["RouteFunction"].count("EmbeddingLayer") == layers["RouteFunction"].count("ArtifactLayer") == 1
    for name in ("HistoryFunction", "AuthorizeFunction"):
        assert not {"EmbeddingLayer", "ArtifactLayer"} & set(layers[name])
    # Lambda takes five.
    assert max(map(len, layers.values())) <= 5


def test_the_secret_starts_as_a_document_without_tokens() -> None:
    generated = RESOURCES["TokensSecret"]["Properties"]["GenerateSecretString"]
    assert read_document(generated["SecretStringTemplate"]).entries == ()
    assert generated["GenerateStringKey"] == "first"
    assert generated["PasswordLength"] >= 32


def test_the_page_has_the_local_servers_headers_and_a_private_bucket() -> None:
    headers = RESOURCES["PageHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]
    security = headers["SecurityHeadersConfig"]
    assert security["ContentSecurityPolicy"]["ContentSecurityPolicy"] == PAGE_HEADERS["content-security-policy"]
    assert security["ReferrerPolicy"]["ReferrerPolicy"] == PAGE_HEADERS["referrer-policy"]
    assert headers["CustomHeadersConfig"]["Items"][0]["Value"] == PAGE_HEADERS["cache-control"]
    assert set(RESOURCES["PageBucket"]["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    (allowed,) = [
        s for s in RESOURCES["PageBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"
    ]
    assert (allowed["Principal"], allowed["Action"]) == ({"Service": "cloudfront.amazonaws.com"}, "s3:GetObject")
    assert "${PageDistribution}" in json.dumps(allowed["Condition"])


def test_without_tokens_there_is_neither_authorizer_nor_secret() -> None:
    with_tokens = ("UsesTokens", "HasAuthorizerKey")
    assert {"Condition": "UsesTokens"} in TEMPLATE["Conditions"]["HasAuthorizerKey"]["Fn::And"]
    conditional = {name for name, resource in RESOURCES.items() if resource.get("Condition") in with_tokens}
    assert {name for name in RESOURCES if name.startswith(("Authorize", "Tokens"))} == conditional


def test_every_function_has_a_limit_of_copies_by_a_parameter() -> None:
    for name, function in FUNCTIONS.items():
        condition, limit, none = function["ReservedConcurrentExecutions"]["Fn::If"]
        assert TEMPLATE["Parameters"][limit["Ref"]]["Default"] == "", name
        assert TEMPLATE["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [limit, ""]}]}
        assert none == {"Ref": "AWS::NoValue"}
    limits = [function["ReservedConcurrentExecutions"]["Fn::If"][1]["Ref"] for function in FUNCTIONS.values()]
    assert len(set(limits)) == len(FUNCTIONS)


def test_behind_cloudfront_its_own_address_is_closed_in_every_function() -> None:
    from functions.gate import ORIGIN_HEADER

    (distribution,) = of_type("AWS::CloudFront::Distribution").values()
    (api,) = [origin for origin in distribution["DistributionConfig"]["Origins"] if origin["Id"] == "api"]
    condition, (header,), _ = api["OriginCustomHeaders"]["Fn::If"]
    assert (condition, header["HeaderName"]) == ("IsBehindCloudFront", ORIGIN_HEADER)
    for name in ("RouteFunction", "HistoryFunction"):  # the authorizer is not called without the header
        condition, secret, _ = FUNCTIONS[name]["Environment"]["Variables"]["ORIGIN_SECRET"]["Fn::If"]
        assert (condition, secret) == ("IsBehindCloudFront", header["HeaderValue"])
    asked = TEMPLATE["Conditions"]["IsBehindCloudFront"]["Fn::And"]
    assert {"Condition": "HasPage"} in asked
    assert {"Fn::Equals": [{"Ref": "DirectApi"}, "false"]} in asked
    assert TEMPLATE["Parameters"]["DirectApi"]["Default"] == "false"


def test_answers_of_the_api_are_not_kept_and_never_go_without_tls() -> None:
    policies = of_type("AWS::CloudFront::ResponseHeadersPolicy")
    for policy in policies.values():
        security = policy["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
        assert security["StrictTransportSecurity"] == {"AccessControlMaxAgeSec": 31536000, "Override": True}
    api = policies["ApiHeaders"]["ResponseHeadersPolicyConfig"]["CustomHeadersConfig"]["Items"]
    assert api == [{"Header": "cache-control", "Value": "no-store", "Override": True}]
    (distribution,) = of_type("AWS::CloudFront::Distribution").values()
    (behaviour,) = distribution["DistributionConfig"]["CacheBehaviors"]
    assert behaviour["ResponseHeadersPolicyId"] == {"Ref": "ApiHeaders"}


def test_a_key_of_ones_own_encrypts_all_that_is_kept_and_those_who_read_may_use_it() -> None:
    key = {"Ref": "KmsKeyArn"}
    (table,) = of_type("AWS::DynamoDB::Table").values()
    assert table["SSESpecification"]["Fn::If"][1]["KMSMasterKeyId"] == key
    kept = {**of_type("AWS::Logs::LogGroup"), **of_type("AWS::SecretsManager::Secret")}
    assert len(kept) == 7
    assert {json.dumps(one["KmsKeyId"]["Fn::If"][:2]) for one in kept.values()} == {json.dumps(["HasKey", key])}
    policies = of_type("AWS::IAM::RolePolicy")
    may = {p["RoleName"]["Ref"] for p in policies.values() if p["PolicyName"] == "key"}
    assert may == set(ROLES)
    for policy in policies.values():
        if policy["PolicyName"] == "key":
            (statement,) = policy["PolicyDocument"]["Statement"]
            assert statement["Resource"] == key
            assert "kms:ViaService" in statement["Condition"]["StringEquals"]


def test_the_counters_of_quotas_are_all_that_deciding_may_update() -> None:
    (found,) = [p for p in ROLES["RouteRole"]["Policies"] if p["PolicyName"] == "quotas"]
    (statement,) = found["PolicyDocument"]["Statement"]
    assert statement["Action"] == "dynamodb:UpdateItem"
    assert statement["Condition"]["ForAllValues:StringLike"] == {"dynamodb:LeadingKeys": ["quota#*"]}


def test_a_budget_tells_the_topic_that_alarms_tell() -> None:
    (budget,) = of_type("AWS::Budgets::Budget").values()
    told = [s["Address"] for n in budget["NotificationsWithSubscribers"] for s in n["Subscribers"]]
    assert told == [{"Ref": "AlarmTopic"}] * 2
    (policy,) = of_type("AWS::SNS::TopicPolicy").values()
    services = {s["Principal"]["Service"] for s in policy["PolicyDocument"]["Statement"]}
    assert services == {"budgets.amazonaws.com", "cloudwatch.amazonaws.com"}


def test_the_firewall_reads_no_prompt() -> None:
    (waf,) = of_type("AWS::WAFv2::WebACL").values()
    assert waf["Scope"] == "CLOUDFRONT"
    groups = [rule["Statement"].get("ManagedRuleGroupStatement", {}).get("Name") for rule in waf["Rules"]]
    assert set(groups) == {None, "AWSManagedRulesAmazonIpReputationList"}
    assert "FieldToMatch" not in json.dumps(waf)


def test_all_that_is_extra_is_off_by_default() -> None:
    off = ("Waf", "WebAclArn", "DomainName", "CertificateArn", "HostedZoneId", "KmsKeyArn", "MonthlyBudget")
    assert {TEMPLATE["Parameters"][name]["Default"] for name in off} == {"", "false", 0}
    assert TEMPLATE["Parameters"]["RequestsPerMinute"]["Default"] == 0
