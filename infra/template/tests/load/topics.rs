//! Topics: their names, their ARNs, and what FIFO ones promise.

use expect_test::expect;

use super::read;

const TOPICS: &str = "
Parameters: { Publishes: { Type: String, Default: 'yes' } }
Conditions: { Publishes: !Equals [!Ref Publishes, 'yes'] }
Resources:
  Plain: { Type: AWS::SNS::Topic }
  Ordered: { Type: AWS::SNS::Topic, Properties: { FifoTopic: true } }
  Alerts:
    Type: AWS::SNS::Topic
    Condition: Publishes
    Properties:
      TopicName: !Sub '${AWS::StackName}-alerts.fifo'
      FifoTopic: true
      FifoThroughputScope: MessageGroup
      ContentBasedDeduplication: true
      Subscription: [{ Protocol: sqs, Endpoint: !ImportValue elsewhere }]
  F:
    Type: AWS::Serverless::Function
    Properties:
      Environment:
        Variables:
          ALERTS: !If [Publishes, !Ref Alerts, '']
          ORDERED: !GetAtt Ordered.TopicArn
          NAME: !Sub '${Ordered.TopicName}'
";

#[test]
fn a_topic_has_a_name_and_an_arn() {
    let deployment = read(TOPICS, &[]).unwrap();
    expect![[r#"
        (
            {
                "Alerts": Topic {
                    id: "Alerts",
                    name: "local-alerts.fifo",
                    arn: "arn:aws:sns:us-east-1:123456789012:local-alerts.fifo",
                    fifo: Some(
                        Fifo {
                            scope: MessageGroup,
                            by_content: true,
                        },
                    ),
                },
                "Ordered": Topic {
                    id: "Ordered",
                    name: "Ordered.fifo",
                    arn: "arn:aws:sns:us-east-1:123456789012:Ordered.fifo",
                    fifo: Some(
                        Fifo {
                            scope: Topic,
                            by_content: false,
                        },
                    ),
                },
                "Plain": Topic {
                    id: "Plain",
                    name: "Plain",
                    arn: "arn:aws:sns:us-east-1:123456789012:Plain",
                    fifo: None,
                },
            },
            {
                "ALERTS": "arn:aws:sns:us-east-1:123456789012:local-alerts.fifo",
                "NAME": "Ordered.fifo",
                "ORDERED": "arn:aws:sns:us-east-1:123456789012:Ordered.fifo",
            },
            [],
        )
    "#]]
    .assert_debug_eq(&(
        &deployment.topics,
        &deployment.functions["F"].environment,
        &deployment.ignored,
    ));
}

#[test]
fn a_topic_that_a_condition_leaves_out_is_absent() {
    let deployment = read(TOPICS, &[("Publishes", "no")]).unwrap();
    assert!(!deployment.topics.contains_key("Alerts"));
    assert_eq!(deployment.functions["F"].environment["ALERTS"], "");
}
