local writes = {
  document = function()
    write(take_document())
  end,
  delete = delete_document,
  counter = function()
    add(take(), take(), take())
  end,
  job = enqueue,
  entry = append,
}

function operations.commit()
  for _ = 1, number() do
    writes[take()]()
  end
end
