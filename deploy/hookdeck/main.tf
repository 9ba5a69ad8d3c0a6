# The rules are in files of their own: `setup` sends the same ones, and the tests run against them.
locals {
  retry  = jsondecode(file("${path.module}/retry.json"))
  filter = jsondecode(file("${path.module}/filter.json"))
}

resource "hookdeck_gateway_source" "this" {
  name        = var.name
  type        = var.source_type
  description = "Verified here, where the sender's own times still hold"
}

resource "hookdeck_gateway_source_auth" "this" {
  source_id = hookdeck_gateway_source.this.id
  auth      = jsonencode(var.source_auth)
}

resource "hookdeck_gateway_transformation" "token" {
  name = "${var.name}-token"
  code = file("${path.module}/token.js")
  env  = jsonencode({ SALLYPORT_TOKEN = var.token })

  # A connection may still refer to the old one.
  lifecycle {
    create_before_destroy = true
  }
}

resource "hookdeck_gateway_destination" "ingress" {
  name = "${var.name}-ingress"
  type = "HTTP"
  config = jsonencode({
    url                      = var.ingress_url
    path_forwarding_disabled = true
    auth_type                = "HOOKDECK_SIGNATURE"
    auth                     = {}
    delivery_policy = {
      rate   = var.concurrent
      period = "concurrent"
    }
  })
}

resource "hookdeck_gateway_connection" "this" {
  name           = var.name
  source_id      = hookdeck_gateway_source.this.id
  destination_id = hookdeck_gateway_destination.ingress.id
  # In this order: what is filtered out gets no token.
  rules = [
    {
      filter_rule = {
        headers = contains(keys(local.filter), "headers") ? { json = jsonencode(local.filter.headers) } : null
        body    = contains(keys(local.filter), "body") ? { json = jsonencode(local.filter.body) } : null
      }
    },
    {
      transform_rule = {
        transformation_id = hookdeck_gateway_transformation.token.id
      }
    },
    {
      retry_rule = {
        strategy              = local.retry.strategy
        interval              = local.retry.interval
        count                 = local.retry.count
        response_status_codes = local.retry.response_status_codes
      }
    },
  ]
}
