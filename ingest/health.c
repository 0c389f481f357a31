#include "ingest/health.h"

#include "ingest/exchange.h"

void
health_handle(struct exchange *exchange)
{
    exchange_reply(exchange, &(struct exchange_reply){
                                 .status = 200,
                                 .type = "application/json",
                                 .body = SLICE("{\"status\":\"pass\"}\n"),
                             });
}
