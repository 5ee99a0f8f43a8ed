//! A service's routes as an OpenAPI 3.1 document, made from the same table that answers requests.

use serde_json::{Map, Value, json};

use crate::api::{Access, Api, Route};

/// The document.
pub fn document<S>(api: &Api<S>) -> Value {
    let mut paths = Map::new();
    for route in api.routes {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(route.method.to_ascii_lowercase(), operation(route));
        }
    }
    let mut schemas = api.schemas.json().cloned().unwrap_or_default();
    if let Some(schemas) = schemas.as_object_mut() {
        schemas.insert("Problem".to_owned(), problem_schema());
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": api.title, "description": api.description, "version": "1.0.0" },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" }
            }
        }
    })
}

fn operation<S>(route: &Route<S>) -> Value {
    let (status, schema) = route.answer;
    let mut good = json!({ "description": route.summary });
    if let (Some(name), Some(good)) = (schema, good.as_object_mut()) {
        good.insert("content".to_owned(), content(name));
    }
    let mut operation = json!({
        "operationId": route.operation,
        "summary": route.summary,
        "parameters": parameters(route),
        "responses": {
            status.to_string(): good,
            "default": {
                "description": "What went wrong",
                "content": { "application/problem+json": {
                    "schema": { "$ref": "#/components/schemas/Problem" }
                } }
            }
        },
        "x-kumiki-access": access(route.access)
    });
    if let Some(operation) = operation.as_object_mut() {
        if let Some(name) = route.body {
            let body = json!({ "required": true, "content": content(name) });
            operation.insert("requestBody".to_owned(), body);
        }
        match route.access {
            Access::Public => {}
            Access::Anyone => {
                let either = json!([{}, { "bearer": [] }]);
                operation.insert("security".to_owned(), either);
            }
            Access::User | Access::Owner | Access::Staff => {
                operation.insert("security".to_owned(), json!([{ "bearer": [] }]));
            }
        }
    }
    operation
}

fn content(schema: &str) -> Value {
    let reference = format!("#/components/schemas/{schema}");
    json!({ "application/json": { "schema": { "$ref": reference } } })
}

fn access(access: Access) -> &'static str {
    match access {
        Access::Public => "public",
        Access::Anyone => "anyone",
        Access::User => "user",
        Access::Owner => "owner",
        Access::Staff => "staff",
    }
}

fn parameters<S>(route: &Route<S>) -> Vec<Value> {
    let in_path = route.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        Some(json!({
            "name": name, "in": "path", "required": true, "schema": { "type": "string" }
        }))
    });
    let in_query = route.query.iter().map(|parameter| {
        let schema: Value = serde_json::from_str(parameter.schema).unwrap_or_default();
        json!({
            "name": parameter.name, "in": "query", "description": parameter.description,
            "schema": schema
        })
    });
    in_path.chain(in_query).collect()
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "Problem details (RFC 9457)",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "code": { "type": "string", "description": "for programs" },
            "detail": { "type": "string", "description": "for people" },
            "errors": { "type": "array", "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": { "field": { "type": "string" }, "detail": { "type": "string" } }
            } }
        }
    })
}
