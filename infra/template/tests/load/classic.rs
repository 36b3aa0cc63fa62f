//! An API spelled out in CloudFormation is the same deployment.

use expect_test::expect;

use super::read;

const CLASSIC: &str = "
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: { ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action }
  Http:
    Type: AWS::ApiGatewayV2::Api
    Properties: { ProtocolType: HTTP }
  Connect:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: $connect
      AuthorizationType: CUSTOM
      AuthorizerId: !Ref Guard
      Target: !Join ['/', [integrations, !Ref Call]]
  Sync:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: sync-all
      RouteResponseSelectionExpression: $default
      Target: !Sub integrations/${Call}
  SyncAnswers:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: { ApiId: !Ref Api, RouteId: !Ref Sync, RouteResponseKey: $default }
  Mocked:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Api, RouteKey: mocked, Target: !Sub 'integrations/${Mock}' }
  Mock:
    Type: AWS::ApiGatewayV2::Integration
    Properties: { ApiId: !Ref Api, IntegrationType: MOCK }
  Call:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      TimeoutInMillis: 5000
      IntegrationUri: !Sub
        - arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${f}/invocations
        - { f: !GetAtt F.Arn }
  Guard:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties:
      ApiId: !Ref Api
      AuthorizerUri: !Sub functions/${F.Arn}/invocations
      IdentitySource: [route.request.header.Auth]
  Deployment: { Type: AWS::ApiGatewayV2::Deployment, Properties: { ApiId: !Ref Api } }
  Production:
    Type: AWS::ApiGatewayV2::Stage
    Properties: { ApiId: !Ref Api, StageName: v1, StageVariables: { a: b } }
  F: { Type: AWS::Lambda::Function, Properties: { Timeout: 9 } }
";

#[test]
fn an_api_in_parts_is_an_api() {
    let deployment = read(CLASSIC, &[]).unwrap();
    expect![[r#"
        {
            "Api": Api {
                id: "Api",
                stage: "v1",
                route_selection: "$request.body.action",
                routes: {
                    "$connect": Route {
                        function: "F",
                        two_way: false,
                        integration_timeout: 5s,
                    },
                    "sync-all": Route {
                        function: "F",
                        two_way: true,
                        integration_timeout: 5s,
                    },
                },
                authorizer: Some(
                    Authorizer {
                        function: "F",
                        identity_sources: [
                            "route.request.header.Auth",
                        ],
                    },
                ),
                stage_variables: {
                    "a": "b",
                },
            },
        }
    "#]]
    .assert_debug_eq(&deployment.apis);
    assert_eq!(deployment.functions["F"].timeout.as_secs(), 9);
    expect![[r#"
        [
            "Mocked: not led to a function.",
            "Http (AWS::ApiGatewayV2::Api) is no WebSocket API.",
        ]
    "#]]
    .assert_debug_eq(&deployment.ignored);
}

#[test]
fn a_part_that_is_missing_is_an_error() {
    let changes = [
        (", RouteSelectionExpression: $request.body.action", ""),
        ("      RouteKey: sync-all\n", ""),
        ("AuthorizerId: !Ref Guard", "AuthorizerId: Nobody"),
        ("Target: !Sub integrations/${Call}", "Target: integrations/Nowhere"),
        ("${F.Arn}", "${Production}"),
    ];
    let errors = changes.map(|(from, to)| {
        let text = CLASSIC.replace(from, to);
        assert_ne!(text, CLASSIC);
        read(&text, &[]).unwrap_err().to_string().replace(": ", "\n    ")
    });
    expect![[r#"
        Resources.Api.Properties
            RouteSelectionExpression is missing
        Resources.Sync.Properties
            RouteKey is missing
        Resources.Connect.Properties.AuthorizerId
            a route refers to Nobody, which the template does not declare
        Resources.Sync.Properties.Target
            a route refers to Nowhere, which the template does not declare
        Resources.Guard.Properties.AuthorizerUri
            functions/Production/invocations is not a function of the template"#]]
    .assert_eq(&errors.join("\n"));
}
