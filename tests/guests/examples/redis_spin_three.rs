//! `spin:redis@3.0.0`: the operation `?op=` at `?address=`, with `?key=`, `?value=` (repeated) and
//! the body.

use kumiki_guests::bindings::concurrent::spin::redis::redis::{Connection, Error, RedisParameter};
use kumiki_guests::query::Query;
use kumiki_guests::service::{HandlerResult, body, outcome, query};
use kumiki_guests::wasip3::http::types::Request;

kumiki_guests::service!(handle);

async fn handle(request: Request) -> HandlerResult {
    let query = query(&request);
    let bytes = body(request).await;
    outcome(operate(&query, bytes).await)
}

async fn operate(query: &Query, body: Vec<u8>) -> Result<Vec<u8>, Error> {
    let connection = Connection::open(query.text("address").into()).await?;
    let key = query.text("key").to_owned();
    let values: Vec<String> = query.all("value").map(str::to_owned).collect();
    Ok(match query.text("op") {
        "set" => connection.set(key, body).await.map(|()| Vec::new())?,
        "publish" => connection.publish(key, body).await.map(|()| Vec::new())?,
        "incr" => connection.incr(key).await?.to_string().into(),
        "del" => connection.del(vec![key]).await?.to_string().into(),
        "sadd" => connection.sadd(key, values).await?.to_string().into(),
        "srem" => connection.srem(key, values).await?.to_string().into(),
        "smembers" => {
            let mut members = connection.smembers(key).await?;
            members.sort();
            members.join("\n").into()
        }
        "execute" => {
            let arguments = values
                .into_iter()
                .map(|text| RedisParameter::Binary(text.into()))
                .collect();
            format!("{:?}", connection.execute(key, arguments).await?).into()
        }
        _ => connection
            .get(key)
            .await?
            .unwrap_or_else(|| b"(none)".to_vec()),
    })
}
