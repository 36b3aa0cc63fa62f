//! Small templates in, what they deploy out; errors with their places.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use expect_test::expect;
use template::model::Deployment;
use template::{Context, load};

mod classic;
mod errors;
mod permissions;
mod robustness;
mod topics;

#[test]
fn intrinsic_functions_have_their_values() {
    let table = [
        ("!Ref Name", "ada"),
        ("{ Ref: Name }", "ada"),
        ("!Ref F", "F"),
        ("!Ref T", "T"),
        ("!Ref AWS::Region", "us-east-1"),
        ("!Ref Api", "Api"),
        ("!Ref ApiStage", "ApiStage"),
        ("!Ref ApiSendRoute", "ApiSendRoute"),
        ("!Ref ApiConnectRoute", "ApiConnectRoute"),
        ("!GetAtt F.Arn", "arn:aws:lambda:us-east-1:123456789012:function:F"),
        ("!GetAtt [F, Arn]", "arn:aws:lambda:us-east-1:123456789012:function:F"),
        ("!GetAtt FRole.Arn", "arn:aws:iam::123456789012:role/FRole"),
        ("!GetAtt T.Arn", "arn:aws:dynamodb:us-east-1:123456789012:table/T"),
        ("!GetAtt Q.Arn", "arn:aws:sqs:us-east-1:123456789012:Q"),
        (
            "!Sub '${Name} in ${AWS::Region}, ${!Name}, ${F.Arn}'",
            "ada in us-east-1, ${Name}, arn:aws:lambda:us-east-1:123456789012:function:F",
        ),
        ("!Sub ['${x}-${Name}', { x: !Ref F }]", "F-ada"),
        ("{ 'Fn::Sub': 'wss://${Api}.${AWS::URLSuffix}' }", "wss://Api.amazonaws.com"),
        ("!Sub 'no ${end'", "no ${end"),
        ("!Join ['-', [a, !Ref Name, !Ref AWS::NoValue, 3]]", "a-ada-3"),
        ("!Join ['', !Ref Names]", "abc"),
        ("!Select [1, !Ref Names]", "b"),
        ("!Select ['0', !Split ['/', 'x/y']]", "x"),
        ("!FindInMap [Sizes, !Ref Size, memory]", "256"),
        ("!FindInMap [Sizes, huge, memory, { DefaultValue: 1 }]", "1"),
        ("!Base64 hello", "aGVsbG8="),
        ("!If [Small, yes-it-is, !Ref Nowhere]", "yes-it-is"),
        ("!If [Both, !Ref Nowhere, no]", "no"),
        ("!If [Either, a, b]", "a"),
        ("!If [Long, a, b]", "a"),
        ("{ 'Fn::If': [NotSmall, a, b] }", "b"),
        ("!Length [a, b]", "2"),
        ("!ToJsonString { a: 1 }", "{\"a\":1}"),
        ("1.10", "1.10"),
        ("007", "007"),
        ("true", "true"),
        ("''", ""),
        ("2010-09-09", "2010-09-09"),
    ];
    for (value, expected) in table {
        let function = format!(
            "  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      \
             Environment: {{ Variables: {{ V: {value} }} }}\n"
        );
        let text = format!("{RICH}{function}");
        let deployment = read(&text, &[("Name", "ada")]).unwrap();
        assert_eq!(deployment.functions["F"].environment["V"], expected, "{value}");
    }
}

const RICH: &str = "
Parameters:
  Name: { Type: String }
  Names: { Type: CommaDelimitedList, Default: 'a, b,c' }
  Size: { Type: String, Default: small, AllowedValues: [small, large] }
Mappings:
  Sizes: { small: { memory: 256 } }
Conditions:
  Both: !And [!Condition Small, !Not [!Condition Small]]
  Either: !Or [!Condition Small, !Condition NotSmall]
  Small: !Equals [!Ref Size, small]
  NotSmall: !Not [!Condition Small]
  Long: { 'Fn::And': [{ Condition: Small }, { 'Fn::Equals': [{ Ref: Name }, ada] }] }
Resources:
  Q: { Type: AWS::SQS::Queue }
  T:
    Type: AWS::Serverless::SimpleTable
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Routes:
        $connect: { FunctionArn: !GetAtt F.Arn }
        send: { FunctionArn: !GetAtt F.Arn }
";

const API: &str = "
Globals:
  WebSocketApi: { StageVariables: { a: global, b: global } }
Resources:
  F: { Type: AWS::Serverless::Function }
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      StageName: v1
      StageVariables: { b: own }
      Auth: { AuthType: CUSTOM, AuthArn: !GetAtt F.Arn, IdentitySource: [route.request.header.A] }
      Routes:
        $connect: { FunctionArn: !GetAtt F.Arn, IntegrationTimeout: 1000 }
        send: { FunctionArn: !GetAtt F.Arn, RouteResponseSelectionExpression: $default }
        sync: { FunctionArn: !GetAtt F.Arn, RouteResponseSelectionExpression: $default }
        read: { FunctionArn: !GetAtt F.Arn }
  SyncAnswers:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: { ApiId: !Ref Api, RouteId: !Ref ApiSyncRoute, RouteResponseKey: $default }
  ReadAnswers:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: { ApiId: !Ref Api, RouteId: !Ref ApiReadRoute, RouteResponseKey: $default }
";

#[test]
fn an_api_has_routes_an_authorizer_and_answers() {
    let deployment = read(API, &[]).unwrap();
    expect![[r#"
        Api {
            id: "Api",
            stage: "v1",
            route_selection: "$request.body.action",
            routes: {
                "$connect": Route {
                    function: "F",
                    two_way: false,
                    integration_timeout: 1s,
                },
                "read": Route {
                    function: "F",
                    two_way: false,
                    integration_timeout: 29s,
                },
                "send": Route {
                    function: "F",
                    two_way: false,
                    integration_timeout: 29s,
                },
                "sync": Route {
                    function: "F",
                    two_way: true,
                    integration_timeout: 29s,
                },
            },
            authorizer: Some(
                Authorizer {
                    function: "F",
                    identity_sources: [
                        "route.request.header.A",
                    ],
                },
            ),
            stage_variables: {
                "a": "global",
                "b": "own",
            },
        }
    "#]]
    .assert_debug_eq(&deployment.apis["Api"]);
    assert!(deployment.ignored.is_empty(), "{:?}", deployment.ignored);
}

#[test]
fn globals_merge_and_functions_have_defaults() {
    let text = "
Globals:
  Function:
    MemorySize: 512
    Environment: { Variables: { A: global, B: global } }
Resources:
  Plain:
    Type: AWS::Serverless::Function
  Own:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: rust-cargolambda, BuildProperties: { Binary: own } }
    Properties:
      MemorySize: 1024
      Timeout: 7
      Environment: { Variables: { B: own, C: 3, D: !If [Off, x, !Ref AWS::NoValue] } }
Conditions: { Off: !Equals [a, b] }
";
    let deployment = read(text, &[]).unwrap();
    expect![[r#"
        {
            "Own": Function {
                id: "Own",
                binary: Some(
                    "own",
                ),
                environment: {
                    "A": "global",
                    "B": "own",
                    "C": "3",
                },
                memory_mb: 1024,
                timeout: 7s,
                permissions: Known(
                    [],
                ),
            },
            "Plain": Function {
                id: "Plain",
                binary: None,
                environment: {
                    "A": "global",
                    "B": "global",
                },
                memory_mb: 512,
                timeout: 3s,
                permissions: Known(
                    [],
                ),
            },
        }
    "#]]
    .assert_debug_eq(&deployment.functions);
}

const TABLES: &str = "
Resources:
  Timeline:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    Properties:
      BillingMode: PAY_PER_REQUEST
      DeletionProtectionEnabled: true
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true }
      Tags: [{ Key: a, Value: b }]
      AttributeDefinitions: [{ AttributeName: pk, AttributeType: S }]
      KeySchema: [{ AttributeName: pk, KeyType: HASH }]
      GlobalSecondaryIndexes:
        - IndexName: by
          KeySchema: [{ AttributeName: pk, KeyType: HASH }]
          Projection: { ProjectionType: KEYS_ONLY }
          ContributorInsightsSpecification: { Enabled: true }
      StreamSpecification: { StreamViewType: NEW_IMAGE }
      TimeToLiveSpecification: { AttributeName: exp, Enabled: true }
  Named:
    Type: AWS::Serverless::SimpleTable
    Properties: { TableName: !Sub '${AWS::StackName}-n', PrimaryKey: { Name: k, Type: Number } }
";

#[test]
fn a_table_becomes_a_request() {
    let deployment = read(TABLES, &[]).unwrap();
    let timeline = &deployment.tables["Timeline"];
    assert_eq!(timeline.ttl_attribute.as_deref(), Some("exp"));
    expect![[r#"
        Object {
            "AttributeDefinitions": Array [
                Object {
                    "AttributeName": String("pk"),
                    "AttributeType": String("S"),
                },
            ],
            "BillingMode": String("PAY_PER_REQUEST"),
            "GlobalSecondaryIndexes": Array [
                Object {
                    "IndexName": String("by"),
                    "KeySchema": Array [
                        Object {
                            "AttributeName": String("pk"),
                            "KeyType": String("HASH"),
                        },
                    ],
                    "Projection": Object {
                        "ProjectionType": String("KEYS_ONLY"),
                    },
                },
            ],
            "KeySchema": Array [
                Object {
                    "AttributeName": String("pk"),
                    "KeyType": String("HASH"),
                },
            ],
            "StreamSpecification": Object {
                "StreamEnabled": Bool(true),
                "StreamViewType": String("NEW_IMAGE"),
            },
            "TableName": String("Timeline"),
        }
    "#]]
    .assert_debug_eq(&timeline.create);
    let named = &deployment.tables["Named"];
    assert_eq!(named.ttl_attribute, None);
    expect![[r#"
        Object {
            "AttributeDefinitions": Array [
                Object {
                    "AttributeName": String("k"),
                    "AttributeType": String("N"),
                },
            ],
            "BillingMode": String("PAY_PER_REQUEST"),
            "KeySchema": Array [
                Object {
                    "AttributeName": String("k"),
                    "KeyType": String("HASH"),
                },
            ],
            "TableName": String("local-n"),
        }
    "#]]
    .assert_debug_eq(&named.create);
}

const STREAMS: &str = "
Resources:
  T:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{ AttributeName: pk, AttributeType: S }]
      KeySchema: [{ AttributeName: pk, KeyType: HASH }]
      StreamSpecification: { StreamViewType: NEW_IMAGE }
  F:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Records:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt T.StreamArn
            StartingPosition: TRIM_HORIZON
            BatchSize: 10
            MaximumBatchingWindowInSeconds: 1
            ParallelizationFactor: 3
            MaximumRetryAttempts: 4
            MaximumRecordAgeInSeconds: -1
            BisectBatchOnFunctionError: true
            FunctionResponseTypes: [ReportBatchItemFailures]
            FilterCriteria: { Filters: [{ Pattern: '{\"eventName\":[\"INSERT\"]}' }] }
            DestinationConfig: { OnFailure: { Destination: !GetAtt Q.Arn } }
        Hourly: { Type: Schedule, Properties: { Schedule: rate(1 hour) } }
  Q: { Type: AWS::SQS::Queue }
  Plain:
    Type: AWS::Lambda::EventSourceMapping
    Properties: { FunctionName: !Ref F, EventSourceArn: !GetAtt T.StreamArn }
";

#[test]
fn a_stream_feeds_a_function() {
    let mut deployment = read(STREAMS, &[]).unwrap();
    for mapping in &mut deployment.streams {
        let source = std::mem::take(&mut mapping.source);
        let resource = source.strip_prefix("arn:aws:dynamodb:us-east-1:123456789012:").unwrap();
        assert_eq!(resource, "table/T/stream/1970-01-01T00:00:00.000");
    }
    expect![[r#"
        (
            [
                StreamMapping {
                    id: "FRecords",
                    function: "F",
                    table: "T",
                    source: "",
                    from_oldest: true,
                    batch_size: 10,
                    batching_window: 1s,
                    parallelization: 3,
                    filters: [
                        "{\"eventName\":[\"INSERT\"]}",
                    ],
                    bisect: true,
                    retries_max: Some(
                        4,
                    ),
                    record_age_max: None,
                    reports_failures: true,
                    on_failure: Some(
                        "arn:aws:sqs:us-east-1:123456789012:Q",
                    ),
                },
                StreamMapping {
                    id: "Plain",
                    function: "F",
                    table: "T",
                    source: "",
                    from_oldest: false,
                    batch_size: 100,
                    batching_window: 0ns,
                    parallelization: 1,
                    filters: [],
                    bisect: false,
                    retries_max: None,
                    record_age_max: None,
                    reports_failures: false,
                    on_failure: None,
                },
            ],
            [
                "FHourly (Schedule) is not served here.",
                "Q (AWS::SQS::Queue) is not served here.",
            ],
        )
    "#]]
    .assert_debug_eq(&(deployment.streams, deployment.ignored));
}

#[test]
fn a_condition_chooses_whole_parts() {
    let text = "
Parameters: { Stage: { Type: String, Default: test } }
Conditions: { Live: !Equals [!Ref Stage, live] }
Globals: { Function: { Environment: !If [Live, { Variables: { A: live } }, !Ref AWS::NoValue] } }
Resources:
  F: { Type: AWS::Serverless::Function, Properties: { Timeout: !If [Live, 20, 5] } }
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: x
      Routes:
        send: { FunctionArn: !GetAtt F.Arn }
        secret: !If [Live, !Ref AWS::NoValue, { FunctionArn: !GetAtt F.Arn }]
";
    let test = read(text, &[]).unwrap();
    assert_eq!(test.functions["F"].environment.len(), 0);
    assert_eq!(test.functions["F"].timeout.as_secs(), 5);
    assert_eq!(test.apis["Api"].routes.len(), 2);
    let live = read(text, &[("Stage", "live")]).unwrap();
    assert_eq!(live.functions["F"].environment["A"], "live");
    assert_eq!(live.functions["F"].timeout.as_secs(), 20);
    assert_eq!(live.apis["Api"].routes.keys().collect::<Vec<_>>(), ["send"]);
}

#[test]
fn what_a_condition_leaves_out_is_absent() {
    let text = "
Parameters: { Extra: { Type: String, Default: '' } }
Conditions: { Has: !Not [!Equals [!Ref Extra, '']] }
Resources:
  F: { Type: AWS::Serverless::Function }
  G: { Type: AWS::Serverless::Function, Condition: Has }
Outputs:
  Always: { Value: !GetAtt F.Arn }
  Sometimes: { Condition: Has, Value: !GetAtt G.Arn }
  Elsewhere: { Value: !ImportValue other }
";
    let without = read(text, &[]).unwrap();
    assert_eq!(without.functions.keys().collect::<Vec<_>>(), ["F"]);
    assert_eq!(without.outputs.keys().collect::<Vec<_>>(), ["Always"]);
    assert_eq!(without.ignored, ["The output Elsewhere needs !ImportValue."]);
    let with = read(text, &[("Extra", "1"), ("Typo", "2")]).unwrap();
    assert_eq!(with.functions.keys().collect::<Vec<_>>(), ["F", "G"]);
    assert_eq!(with.outputs.len(), 2);
    assert_eq!(with.parameters["Extra"], "1");
    assert_eq!(with.ignored[0], "The template has no parameter Typo.");
}

fn read(text: &str, overrides: &[(&str, &str)]) -> Result<Deployment, template::Error> {
    let overrides: BTreeMap<_, _> =
        overrides.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    load(text, &overrides, &Context::default())
}
