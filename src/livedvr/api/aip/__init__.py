"""What Google's API Improvement Proposals ask of every method, over any protobuf message. Pure.

JSON and query parameters at the door, field masks, paging, filters, orders, request ids. All of it is written against
descriptors, so it knows no resource; all that a client gets wrong is an InvalidArgument that names the field.
"""
