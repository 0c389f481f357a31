#!/bin/sh
# For a shop without Prometheus: an alarm of CloudWatch where shipper's
# heartbeats ([shipper] heartbeat, five minutes) have been missing for a quarter
# of an hour, be it that it stopped, that the server did, or that nothing gets
# through. With the AWS CLI and an operator's credentials:
#
#     sh heartbeat-alarm.sh LOG_GROUP SNS_TOPIC_ARN
set -eu
[ $# = 2 ] || { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p;}' "$0" >&2 && exit 64; }

aws logs put-metric-filter --log-group-name "$1" \
    --filter-name clickspool-heartbeats \
    --filter-pattern '{ $.logCategory = "clickspool" && $.action = "heartbeat" }' \
    --metric-transformations \
    metricName=Heartbeats,metricNamespace=clickspool,metricValue=1

aws cloudwatch put-metric-alarm --alarm-name clickspool-heartbeats-missing \
    --alarm-description 'clickspool: no heartbeat for 15 minutes' \
    --namespace clickspool --metric-name Heartbeats --statistic Sum \
    --period 300 --evaluation-periods 3 --threshold 1 \
    --comparison-operator LessThanThreshold --treat-missing-data breaching \
    --alarm-actions "$2" --ok-actions "$2"
