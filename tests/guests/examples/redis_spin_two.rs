//! `fermyon:spin/redis@2.0.0`: the operation `?op=` at `?address=`, with `?key=` (repeated for
//! several) and the body.

use kumiki_guests::bindings::plain::fermyon::spin::redis::{Connection, Error, RedisParameter};
use kumiki_guests::incoming::{Answer, Request};

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    operate(&request).into()
}

fn operate(request: &Request) -> Result<Vec<u8>, Error> {
    let query = &request.query;
    let connection = Connection::open(query.text("address"))?;
    let key = query.text("key");
    let values: Vec<String> = query.all("value").map(str::to_owned).collect();
    Ok(match query.text("op") {
        "set" => connection.set(key, &request.body).map(|()| Vec::new())?,
        "publish" => connection
            .publish(key, &request.body)
            .map(|()| Vec::new())?,
        "incr" => connection.incr(key)?.to_string().into(),
        "del" => connection.del(&[key.to_owned()])?.to_string().into(),
        "sadd" => connection.sadd(key, &values)?.to_string().into(),
        "srem" => connection.srem(key, &values)?.to_string().into(),
        "smembers" => {
            let mut members = connection.smembers(key)?;
            members.sort();
            members.join("\n").into()
        }
        "execute" => {
            let arguments: Vec<RedisParameter> = values
                .into_iter()
                .map(|text| RedisParameter::Binary(text.into()))
                .collect();
            format!("{:?}", connection.execute(key, &arguments)?).into()
        }
        _ => connection.get(key)?.unwrap_or_else(|| b"(none)".to_vec()),
    })
}
