output "source_url" {
  description = "What the sender is told to deliver to."
  value       = hookdeck_gateway_source.this.url
}

output "connection_id" {
  description = "For pausing: POST /connections/ID/pause."
  value       = hookdeck_gateway_connection.this.id
}
